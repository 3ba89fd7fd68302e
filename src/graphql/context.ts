/** What resolvers and directives get of a request: who asks, from where, and the services. */
import { sessionOf, userOf, type OwnSession } from '../authz/decisions.js';
import { subjectId } from '../authz/principal.js';
import type { AccountRecord } from '../users/account.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import { NO_DEVICE, type DeviceCookie } from '../fastify/device-cookie.js';
import type { RefreshCookie } from '../fastify/refresh-cookie.js';
import type { AccountPrincipal } from '../authn/strategy.js';
import type { Clock } from '../lib/clock.js';
import { createSessionListLoader, type SessionListLoader } from '../sessions/listing-loader.js';
import type { ScopeDemand } from './directives/gates.js';
import type { Services } from './resolvers/services.js';
import { createStatements, type RunStatement } from './statements.js';

export interface GraphqlContext {
  readonly services: Services;
  readonly client: ClientInfo;
  readonly cookie: RefreshCookie;
  readonly device: DeviceCookie;
  /** Authenticates on first use; later calls get the same outcome, until it is forgotten. */
  authenticate(): Promise<AccountPrincipal>;
  /** Forgets that outcome: what comes after a mutation or an event may be the caller's no longer. */
  forget(): void;
  /** The caller, after a directive let it in. */
  principal(): AccountPrincipal;
  /** The caller's account. @throws AppError INSUFFICIENT_PERMISSIONS for a service account */
  account(): AccountRecord;
  /** The caller's own session. @throws AppError INSUFFICIENT_PERMISSIONS for any other credential */
  session(): OwnSession<AccountRecord>;
  /** The time, in milliseconds since the epoch. */
  now(): number;
  /** Whether the request may list an account's sessions: its owner's own session may, and an administrator's. */
  maySeeSessions(userId: string): boolean;
  /** Runs what reads the database, two at a time. */
  readonly run: RunStatement;
  /** Reads sessions, those of several accounts at once. */
  sessions(): SessionListLoader;
  /** The session that this request was made in or has just entered; null for strangers. */
  currentSessionId(): string | null;
  /** Notes what a subscription that opens demands of its caller as long as it is open. */
  demand(demands: readonly ScopeDemand[]): void;
  /** Notes that the request has entered a session (login, register, refresh). */
  entered(userId: string, sessionId: string): void;
}

export interface ContextOptions {
  readonly services: Services;
  readonly client: ClientInfo;
  readonly cookie: RefreshCookie;
  /** None if left out, as over a WebSocket. */
  readonly device?: DeviceCookie;
  readonly clock: Clock;
  /** Authenticates the request's credentials. */
  authenticate(): Promise<AccountPrincipal>;
  /** Told whose session the request has entered. */
  readonly onEntered?: (userId: string) => void;
  /** Told what a subscription demands. */
  readonly onDemand?: (demands: readonly ScopeDemand[]) => void;
}

/** Makes the context of one request. */
export function createContext({
  services,
  client,
  cookie,
  device = NO_DEVICE,
  clock,
  authenticate,
  onEntered,
  onDemand,
}: ContextOptions): GraphqlContext {
  let pending: Promise<AccountPrincipal> | undefined;
  let principal: AccountPrincipal | undefined;
  let session: { readonly userId: string; readonly sessionId: string } | undefined;
  const admitted = (): AccountPrincipal => {
    if (principal) return principal;
    const cause = new Error('a field without @authenticated asked for the principal');
    throw new AppError('INTERNAL_ERROR', 'Internal error.', {}, cause);
  };
  const run = createStatements();
  let sessions: SessionListLoader | undefined;
  return {
    services,
    client: device.hash === undefined ? client : { ...client, device: device.hash },
    cookie,
    device,
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
    maySeeSessions(userId) {
      if (session?.userId === userId) return true;
      if (principal?.credential.kind !== 'session') return false;
      return subjectId(principal) === userId || principal.scopes.has('admin');
    },
    currentSessionId: () =>
      session?.sessionId ?? (principal?.credential.kind === 'session' ? principal.credential.id : null),
    demand(demands) {
      onDemand?.(demands);
    },
    entered(userId, sessionId) {
      session = { userId, sessionId };
      onEntered?.(userId);
    },
  };
}
