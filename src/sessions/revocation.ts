/** Ends sessions: the caller's, all others, or all of an account. Their tokens are rejected from the next request on. */
import type { VoidApiKeys, VoidedBy } from '../api-keys/void.js';
import type { Audit, AuditEntry } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { EmailCodes } from '../email-codes/service.js';
import type { Challenges } from '../mfa/challenges/service.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import { isId } from '../lib/paging.js';
import { createAccountRepository } from '../users/repository.js';
import type { OnEnded } from './on-ended.js';
import { createSessionRepository } from './repository.js';

/** The caller: account, session and client. */
export interface Revoker {
  readonly userId: string;
  readonly sessionId: string;
  readonly client: ClientInfo;
}

export interface Revocation {
  /** Ends the caller's session; false if it has already ended. */
  logout(revoker: Revoker): Promise<boolean>;
  /** Ends the session of a valid refresh cookie; false if it has already ended. */
  logoutByCookie(sessionId: string, client: ClientInfo): Promise<boolean>;
  /** Ends the session of a refresh cookie that a new login in the same browser replaces; false if it has already ended. */
  endReplaced(sessionId: string, client: ClientInfo): Promise<boolean>;
  /** Ends a session of the caller's account. @throws AppError NOT_FOUND if it has no such live session */
  revoke(id: string, revoker: Revoker): Promise<void>;
  /** Ends all sessions except the caller's; returns how many. */
  revokeOthers(revoker: Revoker): Promise<number>;
  /**
   * Ends the sessions of an account except `exceptId` in the caller's transaction, and voids its unfinished sign-ins and its mailed code; returns how
   * many sessions ended. The caller audits it.
   */
  endAll(tx: Executor, userId: string, exceptId?: string): Promise<number>;
  /**
   * As `endAll`, and revokes and audits the API keys of the account: it was disabled or deleted, or may have been in the hands of
   * another person.
   */
  endAccess(tx: Executor, userId: string, by: VoidedBy): Promise<number>;
  /** Deletes up to `limit` sessions that ended or expired over a day ago; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface RevocationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly challenges: Pick<Challenges, 'void'>;
  readonly codes: Pick<EmailCodes, 'void'>;
  readonly voidApiKeys: VoidApiKeys;
  readonly onEnded: OnEnded;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** How long ended sessions are kept, so audit events can refer to them. */
const RETENTION_MS = 86_400_000;

export function createRevocation(options: RevocationOptions): Revocation {
  const { db, clock, audit, challenges, codes, voidApiKeys, idleTtlMs, onEnded } = options;
  const now = () => new Date(clock.now());

  /** @param owner the account that must own the session; any if left out */
  async function end(sessionId: string, entry: Pick<AuditEntry, 'type' | 'client' | 'detail'>, owner?: string) {
    return db.transaction(async (tx) => {
      const at = now();
      const userId = await createSessionRepository(tx, idleTtlMs).end(sessionId, at, owner);
      if (userId === undefined) return false;
      await onEnded(tx, userId, at);
      await audit.record(tx, { ...entry, userId, sessionId });
      return true;
    });
  }

  async function endAll(tx: Executor, userId: string, exceptId?: string): Promise<number> {
    // A session that opens at the same time holds this lock: it either is seen here, or sees what ended.
    await createAccountRepository(tx).lock(userId);
    await challenges.void(tx, userId);
    await codes.void(tx, userId);
    const at = now();
    const ended = await createSessionRepository(tx, idleTtlMs).endAll(userId, at, exceptId);
    if (ended > 0) await onEnded(tx, userId, at);
    return ended;
  }

  return {
    logout: ({ sessionId, userId, client }) => end(sessionId, { type: 'session.ended', client }, userId),
    logoutByCookie: (sessionId, client) => end(sessionId, { type: 'session.ended', client, detail: 'by cookie' }),
    endReplaced: (sessionId, client) => end(sessionId, { type: 'session.ended', client, detail: 'by a new login' }),

    async revoke(id, { userId, client }) {
      const ended = isId(id) && (await end(id, { type: 'session.revoked', client }, userId));
      if (!ended) throw new AppError('NOT_FOUND', 'The session does not exist.');
    },

    async revokeOthers({ userId, sessionId, client }) {
      return db.transaction(async (tx) => {
        const ended = await endAll(tx, userId, sessionId);
        if (ended > 0) await audit.record(tx, { type: 'session.revoked', userId, client, detail: `${ended} others` });
        return ended;
      });
    },

    endAll,

    async endAccess(tx, userId, by) {
      await createAccountRepository(tx).lock(userId);
      await voidApiKeys(tx, userId, by);
      return endAll(tx, userId);
    },

    clear: (tx, limit) =>
      createSessionRepository(tx, idleTtlMs).deleteOver(new Date(clock.now() - RETENTION_MS), limit),
  };
}
