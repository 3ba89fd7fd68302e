/** The context of a request: caller, client and services, for resolvers and directives. */
import { sessionOf, userOf, type OwnSession } from '../authz/decisions.js';
import { subjectId } from '../authz/principal.js';
import type { AccountRecord } from '../users/account.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import { NO_CHALLENGE, type ChallengeCookie } from '../fastify/challenge-cookie.js';
import { NO_DEVICE, type DeviceCookie } from '../fastify/device-cookie.js';
import type { RefreshCookie } from '../fastify/refresh-cookie.js';
import type { AccountPrincipal } from '../authn/strategy.js';
import type { Clock } from '../lib/clock.js';
import { createSessionListLoader, type SessionListLoader } from '../sessions/listing-loader.js';
import type { ScopeRequirement } from './directives/gates.js';
import type { Services } from './resolvers/services.js';
import { createStatements, type RunStatement } from './statements.js';

export interface GraphqlContext {
  readonly services: Services;
  readonly client: ClientInfo;
  readonly cookie: RefreshCookie;
  readonly device: DeviceCookie;
  readonly challenge: ChallengeCookie;
  /** Authenticates the caller on first use; later calls return the same result until `forget`. */
  authenticate(): Promise<AccountPrincipal>;
  /** Discards that result, because a mutation or the time until an event may have revoked the credential. */
  forget(): void;
  /** The caller. @throws AppError INTERNAL_ERROR in a field without a gate */
  principal(): AccountPrincipal;
  /** The caller's account. @throws AppError INSUFFICIENT_PERMISSIONS for a service account */
  account(): AccountRecord;
  /** The caller's own session. @throws AppError INSUFFICIENT_PERMISSIONS for any other credential */
  session(): OwnSession<AccountRecord>;
  /** The time, in milliseconds since the epoch. */
  now(): number;
  /** Whether the caller's session is the account's own, or the request opened it. */
  isOwnSession(userId: string): boolean;
  /** Whether the request may list an account's sessions: with a session of its owner or of an administrator. */
  maySeeSessions(userId: string): boolean;
  /** Runs work that reads the database, two at a time. */
  readonly run: RunStatement;
  /** Loads sessions of several accounts in one statement. */
  sessions(): SessionListLoader;
  /** The id of the session that the request opened, or of the caller's session; null without one. */
  currentSessionId(): string | null;
  /** Reports the scopes that a subscription requires while it is open. */
  require(requirements: readonly ScopeRequirement[]): void;
  /** Records that the request opened or renewed a session. */
  entered(userId: string, sessionId: string): void;
}

export interface ContextOptions {
  readonly services: Services;
  readonly client: ClientInfo;
  readonly cookie: RefreshCookie;
  /** None if omitted, as over WebSocket. */
  readonly device?: DeviceCookie;
  /** None if omitted, as over WebSocket. */
  readonly challenge?: ChallengeCookie;
  readonly clock: Clock;
  /** Authenticates the request's credentials. */
  authenticate(): Promise<AccountPrincipal>;
  /** Receives the account whose session the request has opened or renewed. */
  readonly onEntered?: (userId: string) => void;
  /** Called with the scopes that a subscription requires. */
  readonly onRequire?: (requirements: readonly ScopeRequirement[]) => void;
}

/** Creates the context of one request. */
export function createContext({
  services,
  client,
  cookie,
  device = NO_DEVICE,
  challenge = NO_CHALLENGE,
  clock,
  authenticate,
  onEntered,
  onRequire,
}: ContextOptions): GraphqlContext {
  let pending: Promise<AccountPrincipal> | undefined;
  let principal: AccountPrincipal | undefined;
  let session: { readonly userId: string; readonly sessionId: string } | undefined;
  const admitted = (): AccountPrincipal => {
    if (principal) return principal;
    const cause = new Error('A field without a gate read the principal');
    throw new AppError('INTERNAL_ERROR', 'Internal error.', {}, cause);
  };
  const isOwnSession = (userId: string) =>
    session?.userId === userId || (principal?.credential.kind === 'session' && subjectId(principal) === userId);
  const run = createStatements();
  let sessions: SessionListLoader | undefined;
  return {
    services,
    client: device.hash === undefined ? client : { ...client, device: device.hash },
    cookie,
    device,
    challenge,
    run,
    sessions: () => (sessions ??= createSessionListLoader(services.sessionListing, run)),
    authenticate() {
      pending ??= authenticate().then((authenticated) => (principal = authenticated));
      return pending;
    },
    forget() {
      pending = undefined;
    },
    principal: admitted,
    account: () => userOf(admitted()),
    session: () => sessionOf(admitted()),
    now: () => clock.now(),
    isOwnSession,
    maySeeSessions: (userId) =>
      isOwnSession(userId) || (principal?.credential.kind === 'session' && principal.scopes.has('admin')),
    currentSessionId: () =>
      session?.sessionId ?? (principal?.credential.kind === 'session' ? principal.credential.id : null),
    require(requirements) {
      onRequire?.(requirements);
    },
    entered(userId, sessionId) {
      session = { userId, sessionId };
      onEntered?.(userId);
    },
  };
}
