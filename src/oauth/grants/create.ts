/** Creates the grants of the token endpoint. */
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import type { AccessTokens } from '../../sessions/access-tokens.js';
import type { Sessions } from '../../sessions/service.js';
import type { IdTokenKeys } from '../../signing-keys/id-token-keys.js';
import { createAuthorizationCodeGrant } from './authorization-code.js';
import { createClientCredentialsGrant } from './client-credentials.js';
import { createDeviceCodeGrant } from './device-code.js';
import type { Grant } from './grant.js';
import { createEnforceGrantLimit } from './limit.js';
import { createOpenGrant } from './open-grant.js';
import { createRefreshTokenGrant } from './refresh-token.js';
import { createResponses } from './respond.js';

export interface TokenGrantsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly accessTokens: AccessTokens;
  readonly idTokenKeys: IdTokenKeys;
  readonly issuer: string;
  readonly log: { warn(fields: object, message: string): void };
  /** OAUTH_ACCESS_TOKEN_TTL, in milliseconds. */
  readonly accessTtlMs: number;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** By `grant_type`. A map, so that no name of `Object.prototype` is a grant type. */
export function createTokenGrants(options: TokenGrantsOptions): ReadonlyMap<string, Grant> {
  const openGrant = createOpenGrant(options);
  const loadResponses = createResponses({ ...options, keys: options.idTokenKeys });
  const common = { ...options, openGrant, loadResponses, enforceLimit: createEnforceGrantLimit(options) };
  return new Map([
    ['authorization_code', createAuthorizationCodeGrant(common)],
    ['refresh_token', createRefreshTokenGrant(common)],
    ['client_credentials', createClientCredentialsGrant(common)],
    ['urn:ietf:params:oauth:grant-type:device_code', createDeviceCodeGrant(common)],
  ]);
}
