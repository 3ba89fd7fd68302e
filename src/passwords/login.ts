/** Login: a password opens a session. */
import type { Audit } from '../audit/audit.js';
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { PasswordHasher } from '../crypto/password-hasher.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import type { PasswordPolicy } from './policy.js';
import { invalidCredentials, type ProvePassword } from './proof.js';
import { accountDisabled } from '../sessions/replays.js';
import type { EnteredSession, Sessions } from '../sessions/service.js';
import { identifierKey } from '../users/identifiers.js';
import { createAccountRepository, type AccountWithHash } from '../users/repository.js';

export interface Credentials {
  /** E-mail address or username, in any case. */
  readonly identifier: string;
  readonly password: string;
  readonly rememberMe?: boolean | null | undefined;
}

/**
 * Proves a password and opens a session.
 * @throws AppError INVALID_CREDENTIALS, ACCOUNT_DISABLED (after right credentials), RATE_LIMIT_EXCEEDED,
 * SERVICE_UNAVAILABLE
 */
export type Login = (credentials: Credentials, client: ClientInfo) => Promise<EnteredSession>;

export interface LoginOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Sessions;
  readonly hasher: PasswordHasher;
  readonly passwords: PasswordPolicy;
  readonly provePassword: ProvePassword;
}

export function createLogin({ db, clock, audit, sessions, hasher, passwords, provePassword }: LoginOptions): Login {
  const repository = createAccountRepository(db.executor);

  /** A deleted account behaves as unknown. */
  async function findAccount(kind: 'email' | 'username', key: string): Promise<AccountWithHash | undefined> {
    const found = await repository.findByKey(kind, key);
    return found?.account.deletedAt ? undefined : found;
  }

  /** The hash to keep: made anew when the parameters were raised, unless the hasher is busy. */
  async function upgraded(hash: string, password: string, { ipAddress }: ClientInfo): Promise<string> {
    if (!hasher.needsRehash(hash)) return hash;
    return hasher.hash(passwords.normalize(password), widestNetwork(ipAddress)).catch(() => hash);
  }

  /** Unless the password has been changed meanwhile. */
  async function markLogin(tx: Executor, { account, passwordHash }: AccountWithHash, nextHash: string) {
    const now = new Date(clock.now());
    const current = await createAccountRepository(tx).markLogin(account.id, passwordHash, nextHash, now);
    if (!current) throw invalidCredentials();
    return current;
  }

  /** @param onProven called once the password is proven */
  async function attempt(
    { identifier, password, rememberMe }: Credentials,
    client: ClientInfo,
    onProven: () => void,
  ): Promise<EnteredSession> {
    const { kind, key } = identifierKey(identifier);
    const found = await findAccount(kind, key);
    const account = found && { id: found.account.id, passwordHash: found.passwordHash };
    return provePassword({ account, names: [key], password }, client, async (settle) => {
      if (!found) throw invalidCredentials();
      onProven();
      if (found.account.disabledAt) {
        const { id: userId } = found.account;
        await db.transaction(async (tx) => {
          await settle(tx);
          await audit.record(tx, { type: 'login.failed', userId, actorId: null, client, detail: 'disabled' });
        });
        throw accountDisabled();
      }
      const nextHash = await upgraded(found.passwordHash, password, client);
      const { id } = found.account;
      // As one statement: none needs another's answer, and without the first there is nothing to be done.
      const entered = await db.together(async (tx) => {
        const marked = markLogin(tx, found, nextHash);
        const opening = { client, rememberMe: rememberMe ?? false, by: 'login' } as const;
        const entered = sessions.open(tx, id, marked, opening);
        const outcomes = await Promise.allSettled([marked, entered, settle(tx)]);
        // In their order: what comes after one that failed says only that.
        for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason as Error;
        return entered;
      });
      await sessions.enforceLimit(id, client);
      return entered;
    });
  }

  return async (credentials, client) => {
    const proof = { given: false };
    try {
      return await attempt(credentials, client, () => (proof.given = true));
    } catch (error) {
      // The account has changed since. Another login may have made its hash anew, here or on an instance whose parameters
      // are higher: this one is to be proven against that.
      if (!proof.given || !(error instanceof AppError && error.code === 'INVALID_CREDENTIALS')) throw error;
      return attempt(credentials, client, () => undefined);
    }
  };
}
