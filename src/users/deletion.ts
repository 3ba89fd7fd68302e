/**
 * The end of accounts. Deleting is soft: sessions end and the account behaves as unknown, but its names stay taken, so
 * that nobody can take them over and it can be restored whole. When the time for that is over it is purged: the row goes
 * with all that is personal, and what the audit holds of it stays without an address or a detail.
 */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, validationError } from '../lib/errors.js';
import type { Outbox } from '../mail/outbox.js';
import type { OneTimeTokens } from '../one-time-tokens/service.js';
import type { Lockout } from '../passwords/lockout.js';
import type { KnownDevices } from '../known-devices/service.js';
import { invalidCredentials, type ConfirmPassword } from '../passwords/verify.js';
import type { Revocation, Revoker } from '../sessions/revocation.js';
import type { AccountRecord } from './account.js';
import { createAccountRepository } from './repository.js';

export interface DeletionRequest {
  readonly confirmation: string;
  readonly password: string;
}

/** Who did it, and whether they proved the account's password. */
export interface Deleter {
  readonly actorId: string;
  readonly client: ClientInfo;
  readonly verifiedHash?: string;
}

export interface Deletion {
  /**
   * Deletes the account of the caller.
   * @throws AppError VALIDATION_ERROR (confirmation; the last administrator), INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED
   */
  deleteOwn(request: DeletionRequest, revoker: Revoker): Promise<void>;
  /**
   * Deletes an account inside the caller's transaction; undefined when there is none.
   * @throws AppError VALIDATION_ERROR for the last administrator
   */
  remove(tx: Executor, id: string, deleter: Deleter): Promise<AccountRecord | undefined>;
  /** Takes a deletion back inside the caller's transaction; undefined when it is too late, or there is none. */
  restore(tx: Executor, id: string): Promise<AccountRecord | undefined>;
  /** Purges up to `limit` accounts whose time is over; returns how many. */
  purge(tx: Executor, limit: number): Promise<number>;
}

export interface DeletionOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly revocation: Revocation;
  readonly tokens: OneTimeTokens;
  readonly outbox: Outbox;
  readonly confirmPassword: ConfirmPassword;
  readonly lockout: Pick<Lockout, 'purge'>;
  readonly devices: Pick<KnownDevices, 'forgetAll'>;
  /** How long a deletion can be taken back, in milliseconds. */
  readonly restoreWindowMs: number;
}

const CONFIRMATION = 'DELETE_MY_ACCOUNT';
const DAY_MS = 86_400_000;
/** What the house does by itself comes from nowhere. */
const NOBODY: ClientInfo = { ipAddress: 'internal', network: 'internal', userAgent: null };

export function createDeletion(options: DeletionOptions): Deletion {
  const { db, clock, audit, revocation, tokens, outbox, confirmPassword, lockout, devices, restoreWindowMs } = options;
  const windowBegan = () => new Date(clock.now() - restoreWindowMs);

  async function remove(tx: Executor, id: string, { actorId, client, verifiedHash }: Deleter) {
    await assertNotLastAdministrator(tx, id);
    const now = new Date(clock.now());
    const changes = { deletedAt: now, pendingEmail: null, pendingEmailKey: null };
    const account = await (verifiedHash === undefined
      ? createAccountRepository(tx).updateUndeleted(id, changes, now)
      : createAccountRepository(tx).update(id, changes, now, verifiedHash));
    if (!account) return undefined;
    await revocation.endAll(tx, id);
    await tokens.void(tx, id);
    await devices.forgetAll(tx, id);
    await audit.record(tx, { type: 'account.deleted', userId: id, actorId, client });
    const detail = { days: String(Math.ceil(restoreWindowMs / DAY_MS)) };
    await outbox.enqueue(tx, { kind: 'account_deleted', userId: id, address: account.email, detail });
    return account;
  }

  return {
    async deleteOwn({ confirmation, password }, { userId, sessionId, client }) {
      if (confirmation !== CONFIRMATION)
        throw validationError([{ field: 'confirmation', message: `must be ${CONFIRMATION}` }]);
      const found = await createAccountRepository(db.executor).findById(userId);
      if (!found) throw new AppError('USER_NOT_FOUND', 'The account is gone.');
      await confirmPassword(found, password, { sessionId, client }, ({ passwordHash, resetFailures }) =>
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
        await audit.record(tx, { type: 'account.purged', userId: id, actorId: null, client: NOBODY });
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
 * Holds the administrators until the end of the transaction, so that of two who would take the last right from each other
 * the second is refused.
 * @throws AppError VALIDATION_ERROR
 */
export async function assertNotLastAdministrator(tx: Executor, id: string, field = 'id'): Promise<void> {
  const administrators = await createAccountRepository(tx).lockAdministrators();
  if (administrators.includes(id) && administrators.length === 1)
    throw validationError([{ field, message: 'is the last administrator, who must stay one' }]);
}
