/** Creates the services of the OAuth 2.0 and OpenID Connect provider with their dependencies. */
import type { Audit } from '../audit/audit.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { Database } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { createAuthorizedApps } from './apps/service.js';
import { createClientGrants } from './clients/grants.js';
import { createOAuthClients } from './clients/service.js';
import { createAuthorizationCodes } from './codes/service.js';
import { createDeviceCodes, type DeviceCodesOptions } from './device/service.js';

export interface OAuthOptions extends DeviceCodesOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly scopes: ScopeCatalogue;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export type OAuth = ReturnType<typeof createOAuth>;

export function createOAuth(options: OAuthOptions) {
  return {
    authorizationCodes: createAuthorizationCodes(options),
    clients: createOAuthClients({ ...options, grants: createClientGrants(options) }),
    deviceCodes: createDeviceCodes(options),
    apps: createAuthorizedApps(options),
  };
}
