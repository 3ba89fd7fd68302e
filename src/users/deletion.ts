/**
 * Deletes accounts. Deletion is soft: sessions end and the account behaves as unknown, but its email address and username stay
 * reserved, so it can be restored. After the restore window the account is purged: its row and all personal data are deleted,
 * and its audit events are anonymised.
 */
import type { Actor, Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, validationError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { Lockout } from '../passwords/lockout.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { ConfirmOwner, Owner } from '../passwords/confirm-owner.js';
import { invalidCredentials } from '../passwords/verify.js';
import type { Revocation } from '../sessions/revocation.js';
import type { AccountRecord } from './account.js';
import { createAccountRepository } from './repository.js';

export interface DeletionRequest {
  readonly confirmation: string;
  /** Not needed by an account without a password. */
  readonly password?: string | null | undefined;
}

/** Who deletes. */
export interface Deleter extends Actor {
  /** The hash of the verified password, or null for an account without one; left out if nothing was verified. */
  readonly verifiedHash?: string | null;
}

export interface Deletion {
  /**
   * Deletes the account of the caller.
   * @throws AppError VALIDATION_ERROR (confirmation; the last administrator), INVALID_CREDENTIALS, STEP_UP_REQUIRED, RATE_LIMIT_EXCEEDED
   */
  deleteOwn(request: DeletionRequest, owner: Owner): Promise<void>;
  /**
   * Deletes an account in the caller's transaction; undefined if it does not exist.
   * @throws AppError VALIDATION_ERROR for the last administrator
   */
  remove(tx: Executor, id: string, deleter: Deleter): Promise<AccountRecord | undefined>;
  /** Restores a deleted account in the caller's transaction; undefined if the restore window is over or there is no such account. */
  restore(tx: Executor, id: string): Promise<AccountRecord | undefined>;
  /** Purges up to `limit` accounts whose restore window is over; returns how many. */
  purge(tx: Executor, limit: number): Promise<number>;
}

export interface DeletionOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly revocation: Revocation;
  readonly tokens: OneTimeTokens;
  readonly outbox: Outbox;
  readonly confirmOwner: ConfirmOwner;
  readonly lockout: Pick<Lockout, 'purge'>;
  readonly devices: Pick<KnownDevices, 'forgetAll'>;
  /** The restore window in milliseconds. */
  readonly restoreWindowMs: number;
}

const CONFIRMATION = 'DELETE_MY_ACCOUNT';
const DAY_MS = 86_400_000;
/** The client of events that the service causes itself. */
const INTERNAL_CLIENT: ClientInfo = { ipAddress: 'internal', network: 'internal', userAgent: null };

export function createDeletion(options: DeletionOptions): Deletion {
  const { db, clock, audit, revocation, tokens, outbox, confirmOwner, lockout, devices, restoreWindowMs } = options;
  const windowBegan = () => new Date(clock.now() - restoreWindowMs);

  async function remove(tx: Executor, id: string, { verifiedHash, ...by }: Deleter) {
    await assertNotLastAdministrator(tx, id);
    const now = new Date(clock.now());
    const changes = { deletedAt: now, pendingEmail: null, pendingEmailKey: null };
    const account = await (verifiedHash === undefined
      ? createAccountRepository(tx).updateUndeleted(id, changes, now)
      : createAccountRepository(tx).update(id, changes, now, verifiedHash));
    if (!account) return undefined;
    await revocation.endAccess(tx, id, by);
    await tokens.void(tx, id);
    await devices.forgetAll(tx, id);
    await audit.record(tx, { type: 'account.deleted', userId: id, ...by });
    const detail = { days: String(Math.ceil(restoreWindowMs / DAY_MS)) };
    await outbox.enqueue(tx, { kind: 'account_deleted', userId: id, address: account.email, detail });
    return account;
  }

  return {
    async deleteOwn({ confirmation, password }, owner) {
      const { userId, client } = owner;
      if (confirmation !== CONFIRMATION)
        throw validationError([{ field: 'confirmation', message: `must be ${CONFIRMATION}` }]);
      const found = await createAccountRepository(db.executor).findById(userId);
      if (!found) throw new AppError('USER_NOT_FOUND', 'The account no longer exists.');
      await confirmOwner(found, { field: 'password', value: password }, owner, ({ passwordHash, resetFailures }) =>
        db.transaction(async (tx) => {
          const deleted = await remove(tx, userId, { actorId: userId, client, verifiedHash: passwordHash });
          if (!deleted) throw invalidCredentials();
          await resetFailures(tx);
        }),
      );
      outbox.wake();
    },

    remove,

    restore: (tx, id) => createAccountRepository(tx).restore(id, windowBegan(), new Date(clock.now())),

    async purge(tx, limit) {
      const repository = createAccountRepository(tx);
      const ids = await repository.lockDeletedBefore(windowBegan(), limit);
      for (const id of ids) {
        await audit.anonymise(tx, id);
        await audit.record(tx, { type: 'account.purged', userId: id, actorId: null, client: INTERNAL_CLIENT });
        await outbox.discard(tx, id);
      }
      if (ids.length > 0) {
        await lockout.purge(tx, ids);
        await repository.remove(ids);
      }
      return ids.length;
    },
  };
}

/**
 * Locks all administrators until the end of the transaction, so concurrent calls cannot remove the last one.
 * @throws AppError VALIDATION_ERROR if the account is the only administrator
 */
export async function assertNotLastAdministrator(tx: Executor, id: string, field = 'id'): Promise<void> {
  const administrators = await createAccountRepository(tx).lockAdministrators();
  if (administrators.includes(id) && administrators.length === 1)
    throw validationError([{ field, message: 'is the last administrator; appoint another one first' }]);
}
