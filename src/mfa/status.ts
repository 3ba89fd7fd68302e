/** The second factors of an account, as its owner sees them. */
import type { Executor } from '../db/database.js';
import { createFactorRepository } from './factors/repository.js';
import { createRecoveryCodeRepository } from './recovery-codes/repository.js';
import { createTotpRepository, type TotpRow } from './totp/repository.js';

export interface FactorStatus {
  /** Undefined if the account has no authenticator app. */
  totp(userId: string): Promise<Pick<TotpRow, 'createdAt' | 'lastUsedAt'> | undefined>;
  recoveryCodesLeft(userId: string): Promise<number>;
  hasPassword(userId: string): Promise<boolean>;
}

export function createFactorStatus(executor: Executor): FactorStatus {
  return {
    totp: (userId) => createTotpRepository(executor).find(userId),
    recoveryCodesLeft: (userId) => createRecoveryCodeRepository(executor).count(userId),
    hasPassword: async (userId) => (await createFactorRepository(executor).kindsOf(userId))?.password ?? false,
  };
}
