/** Recovery codes, which stand for a second factor that was lost. Each works once. Only their hashes are stored. */
import type { Clock } from '../../lib/clock.js';
import type { Database, Executor } from '../../db/database.js';
import { validationError } from '../../lib/errors.js';
import { createAccountRepository } from '../../users/repository.js';
import type { Factors } from '../factors/service.js';
import type { VerifyFactor } from '../factors/verify-factor.js';
import type { FactorOwner } from '../totp/service.js';
import { createRecoveryCode, recoveryCodeHash } from './codes.js';
import { createRecoveryCodeRepository } from './repository.js';

export interface RecoveryCodes {
  /** Creates codes in the caller's transaction; undefined if the account has some. Lock the account first. */
  createIfNone(tx: Executor, owner: FactorOwner): Promise<readonly string[] | undefined>;
  /** Replaces all codes. @throws AppError VALIDATION_ERROR for an account without a second factor */
  regenerate(owner: FactorOwner): Promise<readonly string[]>;
  /** Notifies the owner as well. */
  readonly verify: VerifyFactor<string>;
}

export interface RecoveryCodesOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly factors: Pick<Factors, 'record'>;
}

const CODES = 10;

export function createRecoveryCodes({ db, clock, factors }: RecoveryCodesOptions): RecoveryCodes {
  async function replace(tx: Executor, userId: string): Promise<readonly string[]> {
    const codes = Array.from({ length: CODES }, createRecoveryCode);
    const hashes = codes.map((code) => recoveryCodeHash(code)!);
    await createRecoveryCodeRepository(tx).replace(userId, hashes, new Date(clock.now()));
    return codes;
  }

  return {
    async createIfNone(tx, { userId }) {
      if ((await createRecoveryCodeRepository(tx).count(userId)) > 0) return undefined;
      return replace(tx, userId);
    },

    async regenerate({ userId, sessionId, client }) {
      return db.transaction(async (tx) => {
        const account = await createAccountRepository(tx).lock(userId);
        if (!account?.hasSecondFactor)
          throw validationError([{ field: 'factor', message: 'add a second factor first' }]);
        const codes = await replace(tx, userId);
        await factors.record(tx, account, { userId, sessionId, client, type: 'recovery_codes.created' });
        return codes;
      });
    },

    async verify(tx, userId, typed, client) {
      const hash = recoveryCodeHash(typed);
      const repository = createRecoveryCodeRepository(tx);
      if (hash === undefined || !(await repository.take(userId, hash))) return undefined;
      const account = await createAccountRepository(tx).lock(userId);
      const detail = `${await repository.count(userId)} left`;
      await factors.record(tx, account!, { userId, sessionId: null, client, type: 'recovery_code.used', detail });
      return ['recovery_code'];
    },
  };
}
