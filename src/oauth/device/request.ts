/** Validates device authorization requests (RFC 8628 section 3.1). Pure functions. */
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import type { OAuthClient } from '../clients/client.js';
import { OAuthError } from '../error.js';
import { requestedScopes, requireGrantType } from '../grants/grant.js';

/** What a device asks for. */
export interface DeviceRequest {
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Resource indicators (RFC 8707). */
  readonly resources: readonly string[];
}

const MAX_RESOURCE = 2048;

/**
 * @param client authenticated
 * @throws OAuthError unauthorized_client, invalid_scope, invalid_target
 */
export function validateDeviceRequest(
  client: OAuthClient,
  parameters: ReadonlyMap<string, string>,
  { all }: Pick<ScopeCatalogue, 'all'>,
): DeviceRequest {
  requireGrantType(client, 'DEVICE_CODE');
  const isKnown = (scope: string) => all.has(scope) || IDENTITY_SCOPES.has(scope);
  const scopes = requestedScopes(parameters) ?? client.scopes.filter(isKnown);
  if (!scopes.every((scope) => isKnown(scope) && client.scopes.includes(scope)))
    throw new OAuthError('invalid_scope', 'A scope is unknown, or the client may not request it.');
  const resource = parameters.get('resource');
  if (resource !== undefined && !isResource(resource))
    throw new OAuthError('invalid_target', 'The resource must be an absolute URI without a fragment.');
  return { clientId: client.id, scopes, resources: resource === undefined ? [] : [resource] };
}

function isResource(resource: string): boolean {
  return resource.length <= MAX_RESOURCE && URL.canParse(resource) && !resource.includes('#');
}
