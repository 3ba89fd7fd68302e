/** Creates the services of the OAuth 2.0 and OpenID Connect provider with their dependencies. */
import type { Audit } from '../audit/audit.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { Database, Executor } from '../db/database.js';
import type { RateLimits } from '../rate-limits/service.js';
import type { Clock } from '../lib/clock.js';
import { createAuthorizedApps } from './apps/service.js';
import { createClientAuthentication } from './clients/authenticate.js';
import { createRecordClientFailure } from './clients/failures.js';
import { createClientGrants } from './clients/grants.js';
import { createOAuthClients } from './clients/service.js';
import type { SecondFactorPolicy } from '../mfa/policy.js';
import type { LastUsedRecorder } from '../sessions/last-used.js';
import type { LoadSession } from '../sessions/session-loader.js';
import { createBrowserSessions } from './authorization/browser-sessions.js';
import { createReadIdTokenHint } from './authorization/id-token-hint.js';
import { createLogout } from './authorization/logout.js';
import { createPendingRequests } from './authorization/pending.js';
import { createAuthorization } from './authorization/service.js';
import { createAuthorizationCodes } from './codes/service.js';
import { createDeviceApproval } from './device/approval.js';
import { createLogoutRepository } from './logout/repository.js';
import { createLogoutSender } from './logout/sender.js';
import { createResolveClient } from './registration/documents.js';
import { createFetchDocument } from './registration/fetch-document.js';
import { createRegistration } from './registration/service.js';
import { createDeviceCodes, type DeviceCodesOptions } from './device/service.js';
import { createTokenServices, type TokenServicesOptions } from './tokens/create.js';
import { createTokenGrants, type TokenGrantsOptions } from './grants/create.js';

export interface OAuthOptions
  extends
    DeviceCodesOptions,
    Omit<TokenGrantsOptions, 'issuer'>,
    Pick<TokenServicesOptions, 'keyInspection' | 'revokeApiKey'> {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly scopes: ScopeCatalogue;
  /** PUBLIC_URL: the issuer, and the base of the endpoints. */
  readonly publicUrl: string;
  readonly policy: SecondFactorPolicy;
  readonly uses: Pick<LastUsedRecorder, 'record'>;
  readonly readSession: LoadSession;
  /** The values of AUTH_SECRET; the first is current. */
  readonly secrets: readonly string[];
  /** REFRESH_GRACE, in milliseconds. */
  readonly graceMs: number;
  readonly rateLimits: Pick<RateLimits, 'charge' | 'count'>;
  readonly registration: 'off' | 'open' | 'token';
  readonly registrationToken?: string | undefined;
  readonly log: { warn(fields: object, message: string): void };
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** Stores logout notices for the clients of browser sessions that ended at `endedAt`, in the transaction of the logout. */
export const noteLogout = (tx: Executor, userId: string, endedAt: Date): Promise<void> =>
  createLogoutRepository(tx).insertOfEnded(userId, endedAt);

export type OAuth = ReturnType<typeof createOAuth>;

export function createOAuth(options: OAuthOptions) {
  const { publicUrl: issuer, registration, registrationToken } = options;
  const authorizationCodes = createAuthorizationCodes(options);
  const pending = createPendingRequests(options);
  const deviceCodes = createDeviceCodes(options);
  const grants = createClientGrants(options);
  const initialToken = registration === 'token' ? registrationToken : undefined;
  const fetchDocument = registration === 'open' ? createFetchDocument() : undefined;
  const readIdTokenHint = createReadIdTokenHint(options.idTokenKeys);
  const resolveClient = createResolveClient({ ...options, grants, fetchDocument });
  return {
    authorizationCodes,
    clients: createOAuthClients({ ...options, grants }),
    /** Finds a client by its `client_id`, which may be the URL of a metadata document. */
    resolveClient,
    registration: createRegistration({ ...options, initialToken }),
    authenticateClient: createClientAuthentication({ ...options, audiences: [issuer, `${issuer}/oauth/token`] }),
    recordClientFailure: createRecordClientFailure(options),
    deviceCodes,
    deviceApproval: createDeviceApproval({ ...options, pending, deviceCodes }),
    apps: createAuthorizedApps(options),
    logoutSender: createLogoutSender({ ...options, issuer }),
    /** The grants of the token endpoint, by `grant_type`. */
    grants: createTokenGrants({ ...options, issuer }),
    ...createTokenServices({ ...options, issuer }),
    pending,
    browserSessions: createBrowserSessions(options),
    logout: createLogout({ ...options, readIdTokenHint, findClient: resolveClient }),
    authorization: createAuthorization({
      ...options,
      issuer,
      codes: authorizationCodes,
      pending,
      readIdTokenHint,
      findClient: resolveClient,
    }),
  };
}
