/**
 * The consequences of adding and removing a second factor, whatever its kind. They keep this true: an account with a second
 * factor has no live session whose proof lacks one.
 */
import type { Actor, Audit } from '../../audit/audit.js';
import type { Database, Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { AppError, validationError } from '../../lib/errors.js';
import type { Outbox } from '../../mail/outbox.js';
import type { SecondFactorChange } from '../../mail/second-factor-changes.js';
import type { Revocation } from '../../sessions/revocation.js';
import type { AccountRecord } from '../../users/account.js';
import { createAccountRepository } from '../../users/repository.js';
import type { SecondFactorPolicy } from '../policy.js';
import { createFactorRepository, type WaysToSignIn } from './repository.js';
import { MULTI_FACTOR } from './verify-factor.js';

/** A change of a second factor. */
export interface FactorChange {
  readonly userId: string;
  /** The account that made the change; null if unknown; defaults to `userId`. */
  readonly actorId?: string | null;
  readonly actorKind?: Actor['actorKind'];
  /** The session of the owner; null during a sign-in, and for a change by an administrator. */
  readonly sessionId: string | null;
  readonly client: ClientInfo;
  readonly type: SecondFactorChange;
  /** For the audit log. Must contain neither secrets nor user input. */
  readonly detail?: string;
}

/** A factor that was added. */
export interface AddedFactor extends FactorChange {
  readonly sessionId: string;
  /** The authentication methods that the enrolment proved, without `mfa`. */
  readonly methods: readonly string[];
}

export interface Factors {
  /**
   * Call it in the transaction that inserts a factor. Lock the account first (`createAccountRepository(tx).lock`). At the first
   * factor of the account, ends its other sessions, and makes this one a session of two proved factors.
   * @returns whether it is the first factor
   * @throws AppError INVALID_TOKEN if session or account ended meanwhile
   */
  added(tx: Executor, change: AddedFactor): Promise<{ readonly isFirst: boolean }>;
  /**
   * Call it in the transaction that deletes a factor. Lock the account first. With the last factor, deletes the recovery codes.
   * @throws AppError VALIDATION_ERROR if it is the last way to sign in, or if REQUIRE_SECOND_FACTOR demands it; INVALID_TOKEN if the account ended meanwhile
   */
  removed(tx: Executor, change: FactorChange): Promise<void>;
  /**
   * Removes all second factors of an account, ends its sessions, audits it and notifies the owner, in the caller's transaction.
   * False if it has none. @throws AppError NOT_FOUND for an unknown or deleted account
   */
  reset(tx: Executor, userId: string, by: Actor): Promise<boolean>;
  /** Audits a change and queues the notice to the owner, in the caller's transaction. */
  record(tx: Executor, account: Pick<AccountRecord, 'email'>, change: FactorChange): Promise<void>;
}

export interface FactorsOptions {
  readonly db: Pick<Database, 'afterCommit'>;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly revocation: Pick<Revocation, 'endAll'>;
  readonly outbox: Pick<Outbox, 'enqueue' | 'wake'>;
  readonly policy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly ways: WaysToSignIn;
}

export function createFactors(options: FactorsOptions): Factors {
  const { db, clock, audit, revocation, outbox, policy, ways } = options;
  const now = () => new Date(clock.now());

  async function record(tx: Executor, { email }: Pick<AccountRecord, 'email'>, change: FactorChange): Promise<void> {
    const { userId, client, type } = change;
    await audit.record(tx, change);
    const { ipAddress, userAgent } = client;
    await outbox.enqueue(tx, {
      kind: 'second_factor_changed',
      userId,
      address: email,
      detail: { change: type, ipAddress, userAgent },
    });
    db.afterCommit(tx, () => outbox.wake());
  }

  /** Ends the sessions whose proof lacks the first factor, and adds it to that of the enrolling session. */
  async function raiseSession(tx: Executor, { userId, sessionId, client, methods }: AddedFactor): Promise<void> {
    const ended = await revocation.endAll(tx, userId, sessionId);
    const proved = [...methods, MULTI_FACTOR];
    if (!(await createFactorRepository(tx).addProof(sessionId, userId, proved, now()))) throw sessionEnded();
    if (ended > 0)
      await audit.record(tx, { type: 'session.revoked', userId, sessionId, client, detail: `${ended} others` });
  }

  return {
    async added(tx, change) {
      const before = await createAccountRepository(tx).lock(change.userId);
      const account = await createFactorRepository(tx).updateHasSecondFactor(change.userId, now());
      if (!before || !account) throw sessionEnded();
      const isFirst = !before.hasSecondFactor;
      if (isFirst) await raiseSession(tx, change);
      await record(tx, account, change);
      return { isFirst };
    },

    async removed(tx, change) {
      const repository = createFactorRepository(tx);
      const account = await repository.updateHasSecondFactor(change.userId, now());
      if (!account) throw sessionEnded();
      if (policy.mustEnroll(account))
        throw validationError([
          { field: 'factor', message: 'is the last second factor, and the account must have one' },
        ]);
      // The app is no way to sign in by itself, so its removal is none less.
      if (change.type === 'passkey.removed' && !(await repository.hasWayToSignIn(change.userId, ways)))
        throw validationError([{ field: 'id', message: 'is the last way to sign in; set a password first' }]);
      if (!account.hasSecondFactor) await repository.deleteRecoveryCodes(change.userId);
      await record(tx, account, change);
    },

    async reset(tx, userId, by) {
      const account = await createAccountRepository(tx).lock(userId);
      if (!account || account.deletedAt) throw new AppError('NOT_FOUND', 'The account does not exist.');
      await createFactorRepository(tx).deleteAll(userId, now());
      if (!account.hasSecondFactor) return false;
      await revocation.endAll(tx, userId);
      await record(tx, account, { userId, sessionId: null, type: 'second_factors.reset', ...by });
      return true;
    },

    record,
  };
}

function sessionEnded(): AppError {
  return new AppError('INVALID_TOKEN', 'The session has ended.');
}
