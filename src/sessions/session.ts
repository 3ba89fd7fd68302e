/** A session as the house passes it around. */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  readonly generation: number;
  readonly rotatedAt: Date;
  readonly rememberMe: boolean;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
}

/** Whether the session may still be used at `now` (milliseconds). */
export function isLive(session: Pick<SessionRecord, 'endedAt' | 'expiresAt'>, now: number): boolean {
  return session.endedAt === null && session.expiresAt.getTime() > now;
}

/** A session as its owner sees it in a request. */
export interface SessionView extends SessionRecord {
  /** Whether the request was made in it. */
  readonly current: boolean;
}
