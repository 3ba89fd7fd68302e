/**
 * The principal: whoever makes a request, whatever credential it came with. Directives and services
 * see principals and nothing of how they arrived.
 */
import type { Role } from './scopes.js';

/** The account behind a principal, as read for this request. */
export interface PrincipalUser {
  readonly id: string;
  readonly role: Role;
}

/** The credential that a principal came with. */
export interface SessionCredential {
  readonly kind: 'session';
  readonly sessionId: string;
  /** When the session's person last proved who they are, in milliseconds since the epoch; a refresh does not renew it. */
  readonly authenticatedAt: number;
  /** When the access token runs out, in milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** An authenticated caller; `scopes` is what this credential may do, never more than the account may. */
export interface Principal<User extends PrincipalUser = PrincipalUser> {
  readonly user: User;
  readonly credential: SessionCredential;
  readonly scopes: ReadonlySet<string>;
}
