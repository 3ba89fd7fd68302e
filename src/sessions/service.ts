/**
 * Sessions: opening, renewing, ending. A session row is a whole refresh-token family (RFC 9700
 * section 4.14.2): a refresh token carries the session's id and generation and is good for one rotation.
 */
import { v7 as uuidv7 } from 'uuid';
import type { AccountRecord } from '../accounts/account.js';
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { RefreshTokens } from '../crypto/refresh-token.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, serviceUnavailable } from '../errors.js';
import { createSessionRepository, type SessionWithAccount } from './repository.js';
import { isLive, type SessionRecord } from './session.js';

/** A session just opened or renewed, and what the client keeps of it. */
export interface EnteredSession {
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly account: AccountRecord;
}

export interface Sessions {
  /** Opens a session inside the caller's transaction; the caller has checked the account. */
  open(tx: Executor, account: AccountRecord, client: ClientInfo, rememberMe: boolean): Promise<EnteredSession>;
  /**
   * Spends a refresh token for its successor.
   * @throws AppError INVALID_REFRESH_TOKEN unknown, spent, expired or revoked; ACCOUNT_DISABLED
   */
  refresh(refreshToken: string, client: ClientInfo): Promise<EnteredSession>;
  /** Ends a session; false when it had ended already. */
  end(sessionId: string, userId: string, client: ClientInfo): Promise<boolean>;
  /** The account's live sessions, the one used last first. */
  list(userId: string): Promise<SessionRecord[]>;
}

export interface SessionsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly refreshTokens: RefreshTokens;
  /** All in milliseconds. */
  readonly lifetimes: { readonly ttlMs: number; readonly rememberMeTtlMs: number; readonly graceMs: number };
}

export function createSessions({ db, clock, audit, refreshTokens, lifetimes }: SessionsOptions): Sessions {
  const repository = createSessionRepository(db.executor);

  const enter = (
    { session, account }: Pick<SessionWithAccount, 'account'> & { session: { id: string } },
    generation: number,
  ) => ({
    sessionId: session.id,
    refreshToken: refreshTokens.issue(session.id, generation),
    account,
  });

  /** A token older than the last two was stolen or kept by a thief's victim: the family ends, before the refusal. */
  async function endForReuse({ session }: SessionWithAccount, client: ClientInfo): Promise<void> {
    await db.transaction(async (tx) => {
      const ended = await createSessionRepository(tx).end(session.id, new Date(clock.now()));
      if (!ended) return;
      await audit.record(tx, { type: 'session.reuse_detected', userId: session.userId, sessionId: session.id, client });
    });
  }

  /** What a token is worth that the rotation did not take. */
  async function afterLostRotation(id: string, generation: number, client: ClientInfo): Promise<EnteredSession> {
    const found = await repository.find(id);
    const now = clock.now();
    if (!found || !isLive(found.session, now) || found.account.deletedAt || generation > found.session.generation) {
      throw invalidRefreshToken();
    }
    if (found.account.disabledAt) throw accountDisabled();
    // Nothing is wrong with the token: what stood in the way (a disabled account, say) has gone since.
    if (generation === found.session.generation) throw serviceUnavailable('The session was busy; try again.');

    const isPredecessor = generation === found.session.generation - 1;
    // Parallel tabs and lost responses: the predecessor's retry gets the same successor, which needs no write.
    if (isPredecessor && now - found.session.rotatedAt.getTime() < lifetimes.graceMs) {
      return enter(found, found.session.generation);
    }
    await endForReuse(found, client);
    throw invalidRefreshToken();
  }

  return {
    async open(tx, account, client, rememberMe) {
      const now = clock.now();
      const at = new Date(now);
      const session: SessionRecord = {
        id: uuidv7(),
        userId: account.id,
        generation: 0,
        rotatedAt: at,
        rememberMe,
        createdAt: at,
        lastUsedAt: at,
        expiresAt: new Date(now + (rememberMe ? lifetimes.rememberMeTtlMs : lifetimes.ttlMs)),
        endedAt: null,
        ...client,
      };
      await createSessionRepository(tx).insert(session);
      await audit.record(tx, { type: 'session.opened', userId: account.id, sessionId: session.id, client });
      return enter({ session, account }, session.generation);
    },

    async refresh(refreshToken, client) {
      const opened = refreshTokens.open(refreshToken);
      if (!opened) throw invalidRefreshToken();
      const { sessionId, generation } = opened;
      const rotated = await repository.rotate(sessionId, generation, client, new Date(clock.now()));
      return rotated ? enter(rotated, rotated.session.generation) : afterLostRotation(sessionId, generation, client);
    },

    async end(sessionId, userId, client) {
      return db.transaction(async (tx) => {
        const ended = await createSessionRepository(tx).end(sessionId, new Date(clock.now()));
        if (ended) await audit.record(tx, { type: 'session.ended', userId, sessionId, client });
        return ended;
      });
    },

    list: (userId) => repository.listLive(userId, new Date(clock.now())),
  };
}

function invalidRefreshToken(): AppError {
  return new AppError('INVALID_REFRESH_TOKEN', 'The refresh token is unknown, spent, expired or revoked.');
}

/** Said only to somebody who holds right credentials of the account. */
export function accountDisabled(): AppError {
  return new AppError('ACCOUNT_DISABLED', 'The account is disabled.');
}
