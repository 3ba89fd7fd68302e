/** The authenticated session of a socket, as the rest of the WebSocket side sees it. */
import type { SubjectRef } from '../../authz/principal.js';
import type { AccountPrincipal, RequestCredentials } from '../../authn/strategy.js';
import type { ScopeRequirement } from '../directives/gates.js';
import type { CloseReason } from './close-codes.js';

/** A socket that can be closed. */
export interface ClosableSocket {
  isOpen(): boolean;
  close(closing: CloseReason): void;
}

/** An authenticated socket. */
export interface SocketSession {
  readonly subject: SubjectRef;
  /** Authenticates again, once for an event and its delivery. */
  authenticate(): Promise<AccountPrincipal>;
  readonly credentials: RequestCredentials;
  /**
   * Must be called before a subscription is authorized. @param rows that it reads at each event
   * @throws AppError QUERY_REJECTED if the subscriptions of the account would read too many
   */
  begin(rows: number): SubscriptionHandle;
  /** Must be called when the socket has closed. */
  end(): void;
}

/** The scopes that an open subscription requires. The socket closes when its credentials lose one. */
export interface SubscriptionHandle {
  require(requirements: readonly ScopeRequirement[]): void;
  release(): void;
}

export interface SocketSessions {
  /**
   * Authenticates a socket. If that fails it closes the socket and resolves with undefined: 4401 or 4403 for refused credentials,
   * 4413 above the limit of the account, 1013 if the credentials cannot be checked.
   * @param ipAddress of the client
   */
  open(socket: ClosableSocket, credentials: RequestCredentials, ipAddress: string): Promise<SocketSession | undefined>;
  /** The number of authenticated sockets. */
  count(): number;
  close(): void;
}
