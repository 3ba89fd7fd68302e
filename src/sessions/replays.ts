/** Handles refresh tokens that were already rotated or are invalid: retries within the grace time, reuse, and all others. */
import type { Audit } from '../audit/audit.js';
import { sharesNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import type { OnEnded } from './on-ended.js';
import { createSessionRepository, type SessionWithAccount } from './repository.js';
import { isLive, endedBefore, type SessionRecord } from './session.js';

export interface ReplayOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  /** REFRESH_GRACE, in milliseconds. */
  readonly graceMs: number;
  readonly onEnded: OnEnded;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/**
 * Returns the session for a retry, which gets the same successor token. Rejects everything else, and ends the session on reuse.
 * @throws AppError INVALID_REFRESH_TOKEN, ACCOUNT_DISABLED, SERVICE_UNAVAILABLE
 */
export type ResolveReplay = (id: string, generation: number, client: ClientInfo) => Promise<SessionWithAccount>;

export function createReplays({ db, clock, audit, graceMs, onEnded, idleTtlMs }: ReplayOptions): ResolveReplay {
  const repository = createSessionRepository(db.executor, idleTtlMs);

  /** Reuse means that the token or its successor was stolen: ends the token family (RFC 9700 section 4.14.2). */
  async function endForReuse({ session }: SessionWithAccount, client: ClientInfo): Promise<void> {
    await db.transaction(async (tx) => {
      const at = new Date(clock.now());
      const userId = await createSessionRepository(tx, idleTtlMs).end(session.id, at);
      if (userId === undefined) return;
      await onEnded(tx, userId, at);
      await audit.record(tx, {
        type: 'session.reuse_detected',
        userId,
        actorId: null,
        sessionId: session.id,
        client,
      });
    });
  }

  /** Audits a retry from another network than the rotation, because it may be an attacker's. */
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
    if (disabledAt && !endedBefore(found.session, disabledAt)) throw accountDisabled();
    if (!isLive(found.session, now, idleTtlMs)) throw invalidRefreshToken();
    // The token is current: whatever kept the rotation from matching, such as a disabled account, has changed since.
    if (generation === found.session.generation) throw serviceUnavailable('The session was busy; try again.');

    const isPredecessor = generation === found.session.generation - 1;
    // Parallel tabs and lost responses cause retries, which get the same successor without a write.
    if (isPredecessor && now - found.session.rotatedAt.getTime() < graceMs) {
      await auditForeignReplay(found.session, client);
      return found;
    }
    await endForReuse(found, client);
    throw invalidRefreshToken();
  };
}

/** The same error for every invalid refresh token. */
export function invalidRefreshToken(): AppError {
  return new AppError('INVALID_REFRESH_TOKEN', 'The refresh token is unknown, already used, expired or revoked.');
}

/** Throw only for valid credentials of the account. */
export function accountDisabled(): AppError {
  return new AppError('ACCOUNT_DISABLED', 'The account is disabled.');
}
