/** Login with a password. */
import type { Audit } from '../audit/audit.js';
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import type { Lockout, PasswordAttempt } from './lockout.js';
import type { PasswordPolicy } from './policy.js';
import { invalidCredentials, type VerifyPassword } from './verify.js';
import { accountDisabled } from '../sessions/replays.js';
import { type Sessions } from '../sessions/service.js';
import { PASSWORD } from '../sessions/params.js';
import { isChallenged, type SignIn } from '../sessions/sign-in.js';
import { identifierKey } from '../users/identifiers.js';
import type { AccountRecord } from '../users/account.js';
import { createAccountRepository, type AccountWithHash } from '../users/repository.js';

export interface Credentials {
  /** Email address or username, in any case. */
  readonly identifier: string;
  readonly password: string;
  readonly rememberMe?: boolean | null | undefined;
  /** How the client gets the refresh token; BODY if left out. */
  readonly transport?: 'BODY' | 'COOKIE' | null | undefined;
}

/**
 * Verifies a password and opens a session, or issues a challenge if the account has a second factor.
 * @throws AppError INVALID_CREDENTIALS, ACCOUNT_DISABLED (only for right credentials), RATE_LIMIT_EXCEEDED,
 * SERVICE_UNAVAILABLE
 */
export type Login = (credentials: Credentials, client: ClientInfo) => Promise<SignIn>;

export interface LoginOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
  readonly lockout: Pick<Lockout, 'attempt'>;
  readonly verifyPassword: VerifyPassword;
}

/** The account changed between the verification and the creation of the session. */
class AccountChanged extends Error {}

export function createLogin(options: LoginOptions): Login {
  const { db, clock, audit, sessions, hasher, passwords, lockout, verifyPassword } = options;
  const repository = createAccountRepository(db.executor);

  /** Treats a deleted account as unknown. */
  async function findAccount(kind: 'email' | 'username', key: string): Promise<AccountWithHash | undefined> {
    const found = await repository.findByKey(kind, key);
    return found?.account.deletedAt ? undefined : found;
  }

  /** The hash to store: a new one if the argon2 parameters were raised, unless the hasher is busy. */
  async function rehashIfNeeded(hash: string, password: string, { ipAddress }: ClientInfo): Promise<string> {
    if (!hasher.needsRehash(hash)) return hash;
    return hasher.hash(passwords.normalize(password), widestNetwork(ipAddress)).catch(() => hash);
  }

  /** Rejects a login to a disabled account. Only the right password reveals that it is disabled. */
  async function rejectDisabled(
    { id: userId }: AccountRecord,
    attempt: PasswordAttempt,
    client: ClientInfo,
  ): Promise<never> {
    await db.transaction(async (tx) => {
      await attempt.resetFailures(tx);
      await audit.record(tx, { type: 'login.failed', userId, actorId: null, client, detail: 'disabled' });
    });
    throw accountDisabled();
  }

  /** Charges the attempt, verifies the password, records the result and opens the session, in this order. */
  function attemptLogin({ password, rememberMe, transport }: Credentials, client: ClientInfo, found: Found) {
    const subject = { userId: found.account?.account.id ?? null, names: [found.key] };
    return lockout.attempt(subject, client, async (attempt) => {
      const { account, passwordHash } = found.account ?? {};
      const isRight = await verifyPassword(passwordHash, password, client);
      if (!isRight || attempt.isLocked || !account || passwordHash == null) {
        await attempt.recordFailure();
        throw invalidCredentials();
      }
      if (account.disabledAt) return rejectDisabled(account, attempt, client);
      const nextHash = await rehashIfNeeded(passwordHash, password, client);
      const signIn = await db.transaction(async (tx) => {
        const now = new Date(clock.now());
        const current = await createAccountRepository(tx).markLogin(account.id, passwordHash, nextHash, now);
        if (!current) throw new AccountChanged();
        const params = { client, rememberMe: rememberMe ?? false, transport: transport ?? 'BODY' };
        const opened = await sessions.open(tx, current, params, PASSWORD);
        if (!isChallenged(opened)) await attempt.resetFailures(tx);
        return opened;
      });
      // Guesses of the second factor count until it is proved. Otherwise each right password would allow more of them.
      if (isChallenged(signIn)) await attempt.refund();
      return signIn;
    });
  }

  async function login(credentials: Credentials, client: ClientInfo): Promise<SignIn> {
    const { kind, key } = identifierKey(credentials.identifier);
    return attemptLogin(credentials, client, { key, account: await findAccount(kind, key) });
  }

  return async (credentials, client) => {
    const signIn = await login(credentials, client).catch((error: unknown) => {
      if (!(error instanceof AccountChanged)) throw error;
      // A concurrent login may have stored a new hash of the same password: try once more.
      return login(credentials, client).catch(rejectChangedAccount);
    });
    if (!isChallenged(signIn)) await sessions.enforceLimit(signIn.account.id, client);
    return signIn;
  };
}

/** After a second change within one login, rejects the credentials. */
function rejectChangedAccount(error: unknown): never {
  throw error instanceof AccountChanged ? invalidCredentials() : error;
}

/** The result of looking up an identifier. */
interface Found {
  /** The identifier, normalised. */
  readonly key: string;
  /** Undefined if no account has it. */
  readonly account: AccountWithHash | undefined;
}
