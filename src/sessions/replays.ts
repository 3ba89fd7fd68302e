/** Decides about refresh tokens that the rotation did not match: retries, reuse, and tokens that no longer work. */
import type { Audit } from '../audit/audit.js';
import { sharesNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { createSessionRepository, type SessionWithAccount } from './repository.js';
import { isLive, wasOver, type SessionRecord } from './session.js';

export interface ReplayOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  /** REFRESH_GRACE, in milliseconds. */
  readonly graceMs: number;
  /** After how long without use a session is over, in milliseconds; undefined: never. */
  readonly idleTtlMs?: number | undefined;
}

/**
 * Returns the session whose successor a retry gets. Anything else is refused, and reuse ends the session before.
 * @throws AppError INVALID_REFRESH_TOKEN, ACCOUNT_DISABLED, SERVICE_UNAVAILABLE
 */
export type ResolveReplay = (id: string, generation: number, client: ClientInfo) => Promise<SessionWithAccount>;

export function createReplays({ db, clock, audit, graceMs, idleTtlMs }: ReplayOptions): ResolveReplay {
  const repository = createSessionRepository(db.executor, idleTtlMs);

  /** A token older than the last two was stolen, or its owner's successor was: the family ends before the refusal. */
  async function endForReuse({ session }: SessionWithAccount, client: ClientInfo): Promise<void> {
    await db.transaction(async (tx) => {
      const userId = await createSessionRepository(tx, idleTtlMs).end(session.id, new Date(clock.now()));
      if (userId === undefined) return;
      await audit.record(tx, {
        type: 'session.reuse_detected',
        userId,
        actorId: null,
        sessionId: session.id,
        client,
      });
    });
  }

  /** A retry comes from where the rotation came from. From elsewhere it may be a thief's, who was a moment too late. */
  async function auditForeignReplay({ id, userId, ipAddress }: SessionRecord, client: ClientInfo): Promise<void> {
    if (ipAddress === null || sharesNetwork(ipAddress, client.ipAddress)) return;
    await db.transaction((tx) =>
      audit.record(tx, {
        type: 'session.refresh_replayed',
        userId,
        actorId: null,
        sessionId: id,
        client,
        detail: `rotated from ${ipAddress}`,
      }),
    );
  }

  return async (id, generation, client) => {
    const found = await repository.find(id);
    const now = clock.now();
    if (!found || found.account.deletedAt || generation > found.session.generation) throw invalidRefreshToken();
    const { disabledAt } = found.account;
    if (disabledAt && !wasOver(found.session, disabledAt)) throw accountDisabled();
    if (!isLive(found.session, now, idleTtlMs)) throw invalidRefreshToken();
    // The token is good: whatever kept the rotation from matching, such as a disabled account, has changed since.
    if (generation === found.session.generation) throw serviceUnavailable('The session was busy; try again.');

    const isPredecessor = generation === found.session.generation - 1;
    // Parallel tabs and lost responses: a retry with the predecessor gets the same successor, which needs no write.
    if (isPredecessor && now - found.session.rotatedAt.getTime() < graceMs) {
      await auditForeignReplay(found.session, client);
      return found;
    }
    await endForReuse(found, client);
    throw invalidRefreshToken();
  };
}

/** The answer to every refresh token that does not work, whatever is wrong with it. */
export function invalidRefreshToken(): AppError {
  return new AppError('INVALID_REFRESH_TOKEN', 'The refresh token is unknown, spent, expired or revoked.');
}

/** To be thrown only for valid credentials of the account. */
export function accountDisabled(): AppError {
  return new AppError('ACCOUNT_DISABLED', 'The account is disabled.');
}
