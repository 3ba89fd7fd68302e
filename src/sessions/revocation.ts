/** Ends sessions: one's own, all others, or all of an account. Their tokens are refused from the next request on. */
import type { Audit, AuditEntry } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import { isId } from '../lib/paging.js';
import { createSessionRepository } from './repository.js';

/** The account that ends sessions, and the session that it makes the request in. */
export interface Revoker {
  readonly userId: string;
  readonly sessionId: string;
  readonly client: ClientInfo;
}

export interface Revocation {
  /** Ends the session that makes the request; false when it has ended already. */
  logout(revoker: Revoker): Promise<boolean>;
  /** Ends the session of a genuine refresh cookie; false when it has ended already. */
  logoutByCookie(sessionId: string, client: ClientInfo): Promise<boolean>;
  /** Ends the session of a refresh cookie that another login in the same browser replaces; false when it has ended. */
  endReplaced(sessionId: string, client: ClientInfo): Promise<boolean>;
  /** Ends a session of the account. @throws AppError NOT_FOUND for any other, and for one that is over */
  revoke(id: string, revoker: Revoker): Promise<void>;
  /** Ends all but the session that makes the request; returns how many. */
  revokeOthers(revoker: Revoker): Promise<number>;
  /** Ends sessions of an account inside the caller's transaction, which audits why; returns how many. */
  endAll(tx: Executor, userId: string, exceptId?: string): Promise<number>;
  /** Removes up to `limit` sessions that ended or expired; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface RevocationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  /** After how long without use a session is over, in milliseconds; undefined: never. */
  readonly idleTtlMs?: number | undefined;
}

/** Rows stay for a day, so that the session an audit event names can still be looked up. */
const KEPT_MS = 86_400_000;

export function createRevocation({ db, clock, audit, idleTtlMs }: RevocationOptions): Revocation {
  const now = () => new Date(clock.now());

  /** @param owner the account it must belong to; any when left out */
  async function end(sessionId: string, entry: Pick<AuditEntry, 'type' | 'client' | 'detail'>, owner?: string) {
    return db.transaction(async (tx) => {
      const userId = await createSessionRepository(tx, idleTtlMs).end(sessionId, now(), owner);
      if (userId === undefined) return false;
      await audit.record(tx, { ...entry, userId, sessionId });
      return true;
    });
  }

  return {
    logout: ({ sessionId, userId, client }) => end(sessionId, { type: 'session.ended', client }, userId),
    logoutByCookie: (sessionId, client) => end(sessionId, { type: 'session.ended', client, detail: 'by cookie' }),
    endReplaced: (sessionId, client) => end(sessionId, { type: 'session.ended', client, detail: 'by a new login' }),

    async revoke(id, { userId, client }) {
      const ended = isId(id) && (await end(id, { type: 'session.revoked', client }, userId));
      if (!ended) throw new AppError('NOT_FOUND', 'There is no such session.');
    },

    async revokeOthers({ userId, sessionId, client }) {
      return db.transaction(async (tx) => {
        const ended = await createSessionRepository(tx, idleTtlMs).endAll(userId, now(), sessionId);
        if (ended > 0) await audit.record(tx, { type: 'session.revoked', userId, client, detail: `${ended} others` });
        return ended;
      });
    },

    endAll: (tx, userId, exceptId) => createSessionRepository(tx, idleTtlMs).endAll(userId, now(), exceptId),

    clear: (tx, limit) => createSessionRepository(tx, idleTtlMs).deleteOver(new Date(clock.now() - KEPT_MS), limit),
  };
}
