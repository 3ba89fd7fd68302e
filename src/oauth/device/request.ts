/** Validates device authorization requests (RFC 8628 section 3.1). Pure functions. */
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import type { OAuthClient } from '../clients/client.js';
import { OAuthError } from '../error.js';
import { requestedScopes, requireGrantType } from '../grants/grant.js';
import type { Parameters } from '../parameters.js';
import { readResources } from '../resources.js';

/** What a device asks for. */
export interface DeviceRequest {
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Resource indicators (RFC 8707). */
  readonly resources: readonly string[];
}

/**
 * @param client authenticated
 * @param issuer PUBLIC_URL
 * @throws OAuthError unauthorized_client, invalid_scope, invalid_target
 */
export function validateDeviceRequest(
  client: OAuthClient,
  parameters: Parameters,
  { all }: Pick<ScopeCatalogue, 'all'>,
  issuer: string,
): DeviceRequest {
  requireGrantType(client, 'DEVICE_CODE');
  const isKnown = (scope: string) => all.has(scope) || IDENTITY_SCOPES.has(scope);
  const scopes = requestedScopes(parameters) ?? client.scopes.filter(isKnown);
  if (!scopes.every((scope) => isKnown(scope) && client.scopes.includes(scope)))
    throw new OAuthError('invalid_scope', 'A scope is unknown, or the client may not request it.');
  return { clientId: client.id, scopes, resources: readResources(parameters, issuer) };
}
