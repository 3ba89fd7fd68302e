/** What the grant types of the token endpoint have in common: request, response, and helpers (RFC 6749 sections 4 and 5). */
import type { ClientInfo } from '../../lib/client-info.js';
import type { ClientGrantType, OAuthClient } from '../clients/client.js';
import { SCOPE_TOKEN } from '../../authz/scopes.js';
import { OAuthError } from '../error.js';
import type { Parameters } from '../parameters.js';

export interface TokenRequest {
  /** Authenticated. */
  readonly client: OAuthClient;
  readonly parameters: Parameters;
  readonly from: ClientInfo;
}

/** The body of a successful response (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly token_type: 'Bearer';
  /** In seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly id_token?: string;
}

/** A grant type. @throws OAuthError; AppError of a service, such as SERVICE_UNAVAILABLE */
export type Grant = (request: TokenRequest) => Promise<TokenResponse>;

/** @throws OAuthError unauthorized_client if the client was not registered for the grant type */
export function requireGrantType(client: Pick<OAuthClient, 'grantTypes'>, type: ClientGrantType): void {
  if (!client.grantTypes.includes(type))
    throw new OAuthError('unauthorized_client', 'The client may not use this grant type.');
}

/** @throws OAuthError invalid_request if the parameter is missing */
export function requireParameter(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', `The parameter ${name} is missing.`);
  return value;
}

/** The scopes of a `scope` parameter, each once; undefined without one. @throws OAuthError invalid_scope if malformed */
export function requestedScopes(parameters: Parameters): readonly string[] | undefined {
  const scope = parameters.get('scope');
  if (scope === undefined) return undefined;
  const scopes = scope.split(' ').filter((each) => each !== '');
  if (scopes.length === 0 || !scopes.every((each) => SCOPE_TOKEN.test(each)))
    throw new OAuthError('invalid_scope', 'The scope is malformed.');
  return [...new Set(scopes)];
}

/** The same error for every reason. */
export function invalidGrant(): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The grant is not valid, has expired, was revoked, or belongs to another client.',
  );
}
