/**
 * Verifies a password for whatever asks for one. The same answer after the same work for an unknown account
 * and for a wrong password (OWASP ASVS 5.0, 6.3.8).
 */
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import { AppError } from '../lib/errors.js';
import type { PasswordAttempts, Settle } from './attempts.js';
import { MAX_PASSWORD_LENGTH, type PasswordPolicy } from './policy.js';

/** Somebody's claim to know a password. */
export interface PasswordClaim {
  /** Undefined where nobody has the name. */
  readonly account: { readonly id: string; readonly passwordHash: string } | undefined;
  /** What was typed for a name, normalised; both names of the account where a session makes the claim. */
  readonly names: readonly string[];
  /** The session that makes the claim; left out for a login. */
  readonly sessionId?: string | undefined;
  readonly password: string;
}

/**
 * Proves a password and does what it was asked for.
 * @param then does it, and settles in its transaction
 * @throws AppError INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
 */
export type ProvePassword = <T extends object>(
  claim: PasswordClaim,
  client: ClientInfo,
  then: (settle: Settle) => Promise<T>,
) => Promise<T>;

export interface PasswordProofOptions {
  readonly attempts: PasswordAttempts;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
}

export function createPasswordProof({ attempts, hasher, passwords }: PasswordProofOptions): ProvePassword {
  return async ({ account, names, sessionId, password }, client, then) => {
    const network = widestNetwork(client.ipAddress);
    // Longer than any password that was ever accepted: its value is not worth hashing, the time still is.
    const candidate = password.length > MAX_PASSWORD_LENGTH * 2 ? undefined : passwords.normalize(password);
    const prove = () =>
      account && candidate !== undefined
        ? hasher.verify(account.passwordHash, candidate, network)
        : hasher.verifyAbsent(candidate ?? '', network);
    const done = await attempts.attempt({ userId: account?.id ?? null, names, sessionId }, client, prove, then);
    if (done === undefined) throw invalidCredentials();
    return done;
  };
}

/** One answer, whatever was wrong. */
export function invalidCredentials(): AppError {
  return new AppError('INVALID_CREDENTIALS', 'The identifier or the password is wrong.');
}
