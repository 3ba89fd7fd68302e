/** What resolvers and directives get of a request: who asks, from where, and the services. */
import type { ClientInfo } from '../client-info.js';
import { AppError } from '../errors.js';
import type { AccountPrincipal, Authenticate } from '../sessions/authenticator.js';
import type { Services } from './services.js';

export interface GraphqlContext {
  readonly services: Services;
  readonly client: ClientInfo;
  /** What executions are counted by where there is no account: an address, an IPv6 one as its /64. */
  readonly network: string;
  /** Authenticates on first use, once a request; later calls get the same outcome. */
  authenticate(): Promise<AccountPrincipal>;
  /** The caller, after a directive let it in. */
  principal(): AccountPrincipal;
  /** The session that this request was made in or has just entered; null for strangers. */
  currentSessionId(): string | null;
  /** Notes that the request has entered a session (login, register, refresh). */
  entered(sessionId: string): void;
}

export interface ContextOptions {
  readonly services: Services;
  readonly client: ClientInfo;
  readonly network: string;
  readonly authorization: string | undefined;
  readonly authenticate: Authenticate;
}

/** Makes the context of one request. */
export function createContext({
  services,
  client,
  network,
  authorization,
  authenticate,
}: ContextOptions): GraphqlContext {
  let pending: Promise<AccountPrincipal> | undefined;
  let principal: AccountPrincipal | undefined;
  let enteredSessionId: string | undefined;
  return {
    services,
    client,
    network,
    authenticate() {
      pending ??= authenticate(authorization).then((authenticated) => (principal = authenticated));
      return pending;
    },
    principal() {
      if (principal) return principal;
      throw new AppError(
        'INTERNAL_ERROR',
        'Internal error.',
        {},
        new Error('a field without @authenticated asked for the principal'),
      );
    },
    currentSessionId: () => enteredSessionId ?? principal?.credential.sessionId ?? null,
    entered(sessionId) {
      enteredSessionId = sessionId;
    },
  };
}
