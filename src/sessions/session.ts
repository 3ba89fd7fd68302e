/** A session: a family of refresh tokens and the access tokens issued with them. */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  /** The OAuth client it belongs to; null for a first-party session. */
  readonly clientId: string | null;
  /** The scopes that were granted to the client; null for a first-party session. */
  readonly scopes: string[] | null;
  /** The resources (RFC 8707) that were granted to the client; null for a first-party session. */
  readonly resources: string[] | null;
  /** The browser session in which the client was authorized; null for a first-party session. */
  readonly browserSessionId: string | null;
  readonly generation: number;
  readonly rotatedAt: Date;
  readonly rememberMe: boolean;
  readonly createdAt: Date;
  /** Time of the last authentication. A refresh does not change it. */
  readonly authenticatedAt: Date;
  /** Authentication methods: values of RFC 8176, or `email` for a mailed link. Empty for sessions of older releases. */
  readonly amr: string[];
  /** Access tokens of a lower epoch are rejected. */
  readonly accessEpoch: number;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
}

/**
 * Whether the session is live at `now` (milliseconds).
 * @param idleTtlMs idle timeout in milliseconds; none by default
 */
export function isLive(
  { endedAt, expiresAt, lastUsedAt }: Pick<SessionRecord, 'endedAt' | 'expiresAt' | 'lastUsedAt'>,
  now: number,
  idleTtlMs = Infinity,
): boolean {
  return endedAt === null && expiresAt.getTime() > now && lastUsedAt.getTime() + idleTtlMs > now;
}

/** Whether the session ended before its account was disabled. Its tokens must not reveal that the account is disabled. */
export function endedBefore(
  { endedAt, expiresAt }: Pick<SessionRecord, 'endedAt' | 'expiresAt'>,
  disabledAt: Date,
): boolean {
  return (endedAt !== null && endedAt < disabledAt) || expiresAt < disabledAt;
}

/** A session in a list. */
export interface ListedSession extends SessionRecord {
  /** The name of the OAuth client; null for a first-party session. */
  readonly clientName: string | null;
}

/** A session as the owner sees it. */
export interface SessionView extends ListedSession {
  /** Whether it is the session of the request. */
  readonly current: boolean;
}
