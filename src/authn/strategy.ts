/** What every kind of credential implements. A new kind is one new file in `strategies/`. */
import type { CredentialKind, Principal } from '../authz/principal.js';
import type { AccountRecord } from '../users/account.js';

/** A principal whose user is the whole account, so that `me` needs no second read. */
export type AccountPrincipal = Principal<AccountRecord>;

/** The values that a request presents, by header name in lower case; over WebSocket, those of `connection_init`. */
export type RequestCredentials = Readonly<Record<string, string>>;

export interface Strategy {
  readonly kind: CredentialKind;
  /** The headers that it reads, in lower case. */
  readonly headers: readonly string[];
  /** The credential of this kind in a request, unverified; undefined if there is none. */
  find(credentials: RequestCredentials): string | undefined;
  /** @throws AppError when the credential is refused */
  authenticate(credential: string): Promise<AccountPrincipal>;
}
