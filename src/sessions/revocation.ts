/** Ending sessions: one's own, all others, or all of an account. It holds from the next request on. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../errors.js';
import { isId } from '../paging.js';
import { createSessionRepository } from './repository.js';

/** Who ends sessions, and in which one. */
export interface Revoker {
  readonly userId: string;
  readonly sessionId: string;
  readonly client: ClientInfo;
}

export interface Revocation {
  /** Ends the session that makes the request; false when it has ended already. */
  logout(revoker: Revoker): Promise<boolean>;
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
}

/** Rows stay for a day, so that whoever looks into a reuse finds the session that the audit names. */
const KEPT_MS = 86_400_000;

export function createRevocation({ db, clock, audit }: RevocationOptions): Revocation {
  const now = () => new Date(clock.now());

  async function end(sessionId: string, { userId, client }: Revoker, type: 'session.ended' | 'session.revoked') {
    return db.transaction(async (tx) => {
      const ended = await createSessionRepository(tx).end(sessionId, now(), userId);
      if (ended) await audit.record(tx, { type, userId, sessionId, client });
      return ended;
    });
  }

  return {
    logout: (revoker) => end(revoker.sessionId, revoker, 'session.ended'),

    async revoke(id, revoker) {
      const ended = isId(id) && (await end(id, revoker, 'session.revoked'));
      if (!ended) throw new AppError('NOT_FOUND', 'There is no such session.');
    },

    async revokeOthers({ userId, sessionId, client }) {
      return db.transaction(async (tx) => {
        const ended = await createSessionRepository(tx).endAll(userId, now(), sessionId);
        if (ended > 0) await audit.record(tx, { type: 'session.revoked', userId, client, detail: `${ended} others` });
        return ended;
      });
    },

    endAll: (tx, userId, exceptId) => createSessionRepository(tx).endAll(userId, now(), exceptId),

    clear: (tx, limit) => createSessionRepository(tx).deleteOver(new Date(clock.now() - KEPT_MS), limit),
  };
}
