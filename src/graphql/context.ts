/** What resolvers and directives get of a request: who asks, from where, and the services. */
import type { AccountExtent, AccountRecord } from '../users/account.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import { NO_DEVICE, type DeviceCookie } from '../fastify/device-cookie.js';
import type { RefreshCookie } from '../fastify/refresh-cookie.js';
import type { AccountPrincipal, Authenticate } from '../authn/authenticator.js';
import { createSessionLoader, type SessionLoader } from '../sessions/loader.js';
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
  /** The caller's account; in a query as much of it as its document asks for. */
  account(): AccountRecord;
  /** Whether the request may see what is an account's own: it is the account's, has just entered it, or an administrator's. */
  maySee(userId: string): boolean;
  /** Runs what reads the database, two at a time. */
  readonly run: RunStatement;
  /** Reads sessions, those of several accounts at once. */
  sessions(): SessionLoader;
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
  readonly authorization: string | undefined;
  readonly authenticate: Authenticate;
  /** How much of the caller's account is read; all of it if left out. */
  readonly extent?: AccountExtent;
  /** Told what a subscription demands. */
  readonly onDemand?: (demands: readonly ScopeDemand[]) => void;
}

/** Makes the context of one request. */
export function createContext({
  services,
  client,
  cookie,
  device = NO_DEVICE,
  authorization,
  authenticate,
  extent,
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
  let sessions: SessionLoader | undefined;
  return {
    services,
    client: device.hash === undefined ? client : { ...client, device: device.hash },
    cookie,
    device,
    run,
    sessions: () => (sessions ??= createSessionLoader(services.sessionListing, run)),
    authenticate() {
      pending ??= authenticate(authorization, extent).then((authenticated) => (principal = authenticated));
      return pending;
    },
    forget() {
      pending = undefined;
    },
    principal: admitted,
    account: () => admitted().user as AccountRecord,
    maySee: (userId) =>
      session?.userId === userId || principal?.user.id === userId || principal?.scopes.has('admin') === true,
    currentSessionId: () => session?.sessionId ?? principal?.credential.sessionId ?? null,
    demand(demands) {
      onDemand?.(demands);
    },
    entered(userId, sessionId) {
      session = { userId, sessionId };
    },
  };
}
