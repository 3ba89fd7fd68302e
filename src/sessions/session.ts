/** A session: a family of refresh tokens and the access tokens issued with them. */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  /** The OAuth client it belongs to; null for a first-party session. */
  readonly clientId: string | null;
  readonly generation: number;
  readonly rotatedAt: Date;
  readonly rememberMe: boolean;
  readonly createdAt: Date;
  /** When the person last proved who they are; a refresh does not change it. */
  readonly authenticatedAt: Date;
  /** How they proved it: values of RFC 8176, or `email` for a mailed link; empty when it was not recorded. */
  readonly amr: string[];
  /** Access tokens issued under a lower number are refused. */
  readonly accessEpoch: number;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
}

/**
 * Whether the session may still be used at `now` (milliseconds).
 * @param idleTtlMs after how long without use it is over; never when left out
 */
export function isLive(
  { endedAt, expiresAt, lastUsedAt }: Pick<SessionRecord, 'endedAt' | 'expiresAt' | 'lastUsedAt'>,
  now: number,
  idleTtlMs = Infinity,
): boolean {
  return endedAt === null && expiresAt.getTime() > now && lastUsedAt.getTime() + idleTtlMs > now;
}

/** Whether it was over before its account was disabled: its tokens are no valid credentials, and their holder is not told. */
export function wasOver(
  { endedAt, expiresAt }: Pick<SessionRecord, 'endedAt' | 'expiresAt'>,
  disabledAt: Date,
): boolean {
  return (endedAt !== null && endedAt < disabledAt) || expiresAt < disabledAt;
}

/** A session as its owner sees it in a request. */
export interface SessionView extends SessionRecord {
  /** Whether the request was made in it. */
  readonly current: boolean;
}
