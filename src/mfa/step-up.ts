/** The methods by which an account can prove its person again. */
import type { Executor } from '../db/database.js';
import type { SecondFactorMethod, StepUpMethod } from '../lib/errors.js';
import { createFactorRepository, type FactorKinds } from './factors/repository.js';

/**
 * The second factors of an account; its password if it has none; nothing if it has neither.
 * @param userId the account of the session
 */
export type StepUpMethods = (userId: string) => Promise<readonly StepUpMethod[]>;

/** The methods of the factors that an account has. */
export function factorMethods({ totp, passkey, recoveryCode }: FactorKinds): SecondFactorMethod[] {
  const methods: SecondFactorMethod[] = [];
  if (totp) methods.push('TOTP');
  if (passkey) methods.push('PASSKEY');
  if (recoveryCode) methods.push('RECOVERY_CODE');
  return methods;
}

export function createStepUpMethods(executor: Executor): StepUpMethods {
  const repository = createFactorRepository(executor);
  return async (userId) => {
    const kinds = await repository.kindsOf(userId);
    if (!kinds) return [];
    if (kinds.totp || kinds.passkey) return factorMethods(kinds);
    return kinds.password ? ['PASSWORD'] : [];
  };
}
