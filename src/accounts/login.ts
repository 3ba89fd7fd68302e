/** Login: the same answer after the same work for an unknown account and for a wrong password (OWASP ASVS 5.0, 6.3.8). */
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { MAX_PASSWORD_LENGTH, type PasswordPolicy } from '../passwords/policy.js';
import { accountDisabled, type EnteredSession, type Sessions } from '../sessions/service.js';
import { identifierKey } from './identifiers.js';
import { createAccountRepository, type AccountWithHash } from './repository.js';

export interface Credentials {
  /** E-mail address or username, in any case. */
  readonly identifier: string;
  readonly password: string;
  readonly rememberMe?: boolean | null | undefined;
}

/**
 * Proves a password and opens a session.
 * @throws AppError INVALID_CREDENTIALS, ACCOUNT_DISABLED (after right credentials), SERVICE_UNAVAILABLE
 */
export type Login = (credentials: Credentials, client: ClientInfo) => Promise<EnteredSession>;

export interface LoginOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
}

export function createLogin({ db, clock, sessions, hasher, passwords }: LoginOptions): Login {
  const repository = createAccountRepository(db.executor);

  async function prove({ identifier, password }: Credentials): Promise<AccountWithHash> {
    const found = await findAccount(identifier);
    // Longer than any password that was ever accepted: its value is not worth hashing, the time still is.
    const candidate = password.length > MAX_PASSWORD_LENGTH * 2 ? undefined : passwords.normalize(password);
    const proven =
      found && candidate !== undefined
        ? await hasher.verify(found.passwordHash, candidate)
        : await hasher.verifyAbsent(candidate ?? '');
    if (!found || !proven) throw invalidCredentials();
    if (found.account.disabledAt) throw accountDisabled();
    return found;
  }

  async function findAccount(identifier: string): Promise<AccountWithHash | undefined> {
    const { kind, key } = identifierKey(identifier);
    const found = await repository.findByKey(kind, key);
    return found?.account.deletedAt ? undefined : found;
  }

  /** The hash to keep: made anew when the parameters were raised, unless the hasher is busy. */
  async function upgraded(hash: string, password: string): Promise<string> {
    if (!hasher.needsRehash(hash)) return hash;
    return hasher.hash(passwords.normalize(password)).catch(() => hash);
  }

  return async (credentials, client) => {
    const { account, passwordHash } = await prove(credentials);
    const nextHash = await upgraded(passwordHash, credentials.password);
    return db.transaction(async (tx) => {
      const now = new Date(clock.now());
      const current = await createAccountRepository(tx).markLogin(account.id, passwordHash, nextHash, now);
      if (!current) throw invalidCredentials();
      return sessions.open(tx, current, client, credentials.rememberMe ?? false);
    });
  };
}

function invalidCredentials(): AppError {
  return new AppError('INVALID_CREDENTIALS', 'The identifier or the password is wrong.');
}
