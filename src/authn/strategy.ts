/** The interface of authentication strategies, one for each kind of credential. A new kind is one new file in `strategies/`. */
import type { CredentialKind, Principal, SubjectRef } from '../authz/principal.js';
import type { AccountRecord } from '../users/account.js';

/** A principal whose user is the whole account, so that `me` needs no second read. */
export type AccountPrincipal = Principal<AccountRecord>;

/** The values that a request presents, by header name in lower case; over WebSocket, those of `connection_init`. */
export type RequestCredentials = Readonly<Record<string, string>>;

export interface Strategy {
  readonly kind: CredentialKind;
  /** The headers that it reads, in lower case. CORS allows them, and the log redacts fields with their names. */
  readonly headers: readonly string[];
  /**
   * The credential of this kind, unverified; undefined if there is none. A request with several headers is searched header by
   * header, so a credential must be in one.
   */
  find(credentials: RequestCredentials): string | undefined;
  /**
   * @param ipAddress of the client, as `clientAddress` returns it: a credential may be limited to networks
   * @throws AppError if the credential is refused
   */
  authenticate(credential: string, ipAddress: string): Promise<AccountPrincipal>;
  /**
   * The subject of an authentic credential, if it can be verified without a read, as a signature can. Request limits and the log
   * then know it from the first request on. Without this method they know a credential once it has been authenticated. Must not
   * throw.
   */
  subjectOf?(credential: string): SubjectRef | undefined;
}
