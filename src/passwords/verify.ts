/**
 * Verifies passwords. An unknown account, an account without a password and a wrong password get the same response after the
 * same work (OWASP ASVS 5.0, 6.3.8).
 */
import type { PasswordHasher } from '../crypto/password-hasher.js';
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import { namesOf } from '../users/identifiers.js';
import type { AccountWithHash } from '../users/repository.js';
import type { Lockout, PasswordAttempt } from './lockout.js';
import { MAX_PASSWORD_LENGTH, type PasswordPolicy } from './policy.js';

/**
 * Whether a password matches a hash.
 * @param hash null or undefined if there is none: resolves to false after the same work
 * @throws AppError SERVICE_UNAVAILABLE if the queue of the hasher is full
 */
export type VerifyPassword = (
  hash: string | null | undefined,
  password: string,
  client: ClientInfo,
) => Promise<boolean>;

export interface VerifyPasswordOptions {
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
}

export function createVerifyPassword({ hasher, passwords }: VerifyPasswordOptions): VerifyPassword {
  return (hash, password, client) => {
    const network = widestNetwork(client.ipAddress);
    // Too long to be valid. Does the work of a verification to keep the timing equal.
    const candidate = password.length > MAX_PASSWORD_LENGTH * 2 ? undefined : passwords.normalize(password);
    if (hash == null || candidate === undefined) return hasher.verifyAbsent(candidate ?? '', network);
    return hasher.verify(hash, candidate, network);
  };
}

/** A verified password of an account in a session. */
export interface ConfirmedPassword extends Pick<PasswordAttempt, 'resetFailures'> {
  /** The hash it was verified against, so that the operation can require it to be unchanged. */
  readonly passwordHash: string;
}

/**
 * Verifies the password of a signed-in account, then runs `work`, which calls `resetFailures` in its transaction.
 * @throws AppError INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, and what `work` throws
 */
export type ConfirmPassword = <T>(
  found: AccountWithHash,
  password: string,
  caller: { readonly sessionId: string; readonly client: ClientInfo },
  work: (confirmed: ConfirmedPassword) => Promise<T>,
) => Promise<T>;

export interface ConfirmPasswordOptions {
  readonly lockout: Pick<Lockout, 'attempt'>;
  readonly verifyPassword: VerifyPassword;
}

export function createConfirmPassword({ lockout, verifyPassword }: ConfirmPasswordOptions): ConfirmPassword {
  return ({ account, passwordHash }, password, { sessionId, client }, work) =>
    lockout.attempt({ userId: account.id, names: namesOf(account), sessionId }, client, async (attempt) => {
      const isRight = await verifyPassword(passwordHash, password, client);
      if (!isRight || attempt.isLocked || passwordHash === null) {
        await attempt.recordFailure();
        throw invalidCredentials();
      }
      return work({ passwordHash, resetFailures: (tx) => attempt.resetFailures(tx) });
    });
}

/** The same error for every reason. */
export function invalidCredentials(): AppError {
  return new AppError('INVALID_CREDENTIALS', 'The identifier or the password is wrong.');
}
