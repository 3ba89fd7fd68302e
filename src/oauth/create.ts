/** Creates the services of the OAuth 2.0 and OpenID Connect provider with their dependencies. */
import type { Audit } from '../audit/audit.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { Database } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { createAuthorizedApps } from './apps/service.js';
import { createClientAuthentication } from './clients/authenticate.js';
import { createClientGrants } from './clients/grants.js';
import { createOAuthClients } from './clients/service.js';
import { createAuthorizationCodes } from './codes/service.js';
import { createDeviceCodes, type DeviceCodesOptions } from './device/service.js';
import { createTokenGrants, type TokenGrantsOptions } from './grants/create.js';

export interface OAuthOptions extends Omit<DeviceCodesOptions, 'sessions'>, Omit<TokenGrantsOptions, 'issuer'> {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly scopes: ScopeCatalogue;
  /** PUBLIC_URL: the issuer, and the base of the endpoints. */
  readonly publicUrl: string;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export type OAuth = ReturnType<typeof createOAuth>;

export function createOAuth(options: OAuthOptions) {
  const { publicUrl: issuer } = options;
  return {
    authorizationCodes: createAuthorizationCodes(options),
    clients: createOAuthClients({ ...options, grants: createClientGrants(options) }),
    authenticateClient: createClientAuthentication({ ...options, audiences: [issuer, `${issuer}/oauth/token`] }),
    deviceCodes: createDeviceCodes(options),
    apps: createAuthorizedApps(options),
    /** The grants of the token endpoint, by `grant_type`. */
    grants: createTokenGrants({ ...options, issuer }),
  };
}
