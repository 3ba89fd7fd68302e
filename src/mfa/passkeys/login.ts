/** Login with a passkey alone. The passkey and the verification of its user are two factors. */
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { AppError, validationError } from '../../lib/errors.js';
import type { Lockout, PasswordAttempt } from '../../passwords/lockout.js';
import { accountDisabled } from '../../sessions/replays.js';
import type { Sessions } from '../../sessions/service.js';
import type { SignIn } from '../../sessions/sign-in.js';
import { namesOf } from '../../users/identifiers.js';
import { createAccountRepository } from '../../users/repository.js';
import { MULTI_FACTOR, WrongFactor } from '../factors/verify-factor.js';
import { passkeyMethods, type PasskeyAuthentication } from './authentication.js';
import { userHandleOf, type Assertion, type Ceremonies } from './ceremonies.js';
import type { CeremonyChallenges } from './challenges.js';
import { createPasskeyRepository, type PasskeyRecord, type PasskeyWithAccount } from './repository.js';
import { readAssertion, type ClientAssertion } from './responses.js';

export interface PasskeyCredentials {
  /** The challenge of `startPasskeyLogin`. */
  readonly challenge: string;
  /** AuthenticationResponseJSON of WebAuthn; any value is accepted and verified. */
  readonly response: unknown;
  readonly rememberMe?: boolean | null | undefined;
  /** How the client gets the refresh token; BODY if left out. */
  readonly transport?: 'BODY' | 'COOKIE' | null | undefined;
}

/**
 * Verifies a passkey and opens a session.
 * @throws AppError VALIDATION_ERROR for a value that is no response; INVALID_TOKEN for a challenge that is unknown, expired or
 * used; INVALID_CREDENTIALS; ACCOUNT_DISABLED (only for a right response); RATE_LIMIT_EXCEEDED; SERVICE_UNAVAILABLE
 */
export type LoginWithPasskey = (credentials: PasskeyCredentials, client: ClientInfo) => Promise<SignIn>;

export interface LoginWithPasskeyOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Pick<Sessions, 'open' | 'enforceLimit'>;
  readonly lockout: Pick<Lockout, 'attempt'>;
  readonly ceremonies: Ceremonies;
  readonly passkeyChallenges: Pick<CeremonyChallenges, 'takeAuthentication'>;
  readonly passkeyAuthentication: Pick<PasskeyAuthentication, 'recordUse'>;
}

export function createLoginWithPasskey(options: LoginWithPasskeyOptions): LoginWithPasskey {
  const { db, clock, audit, sessions, lockout, ceremonies, passkeyChallenges, passkeyAuthentication } = options;
  const repository = createPasskeyRepository(db.executor);

  /** Treats a deleted account as unknown. */
  async function find(credentialId: string): Promise<PasskeyWithAccount | undefined> {
    const found = await repository.findByCredential(credentialId);
    return found?.account.deletedAt ? undefined : found;
  }

  /** Undefined if the response is wrong. A discovered passkey always sends its user handle. */
  async function verify(read: ClientAssertion, { challenge }: PasskeyCredentials, found?: PasskeyWithAccount) {
    if (!found || read.challenge !== challenge) return undefined;
    if (read.json.response.userHandle !== userHandleOf(found.account.id)) return undefined;
    return ceremonies.verifyAssertion(read, found.passkey, true);
  }

  /** Only a right response reveals that the account is disabled. */
  async function rejectDisabled(userId: string, attempt: PasswordAttempt, client: ClientInfo): Promise<never> {
    await db.transaction(async (tx) => {
      await attempt.resetFailures(tx);
      await audit.record(tx, { type: 'login.failed', userId, actorId: null, client, detail: 'disabled' });
    });
    throw accountDisabled();
  }

  /** Records the use and opens the session. @throws WrongFactor if the passkey or the account has changed meanwhile */
  function open(
    passkey: PasskeyRecord,
    use: Assertion,
    { rememberMe, transport }: PasskeyCredentials,
    attempt: PasswordAttempt,
    client: ClientInfo,
  ): Promise<SignIn> {
    return db.transaction(async (tx) => {
      // Locks the account before the passkey, as every change of factors does.
      const account = await createAccountRepository(tx).recordLogin(passkey.userId, new Date(clock.now()));
      if (!account || !(await passkeyAuthentication.recordUse(tx, passkey, use, client))) throw new WrongFactor();
      const params = { client, rememberMe: rememberMe ?? false, transport: transport ?? 'BODY' };
      const methods = [...passkeyMethods(use), MULTI_FACTOR];
      // A passkey cannot be guessed, so the lockout of the password does not concern it, and outlasts it.
      await attempt.resetFailures(tx);
      return sessions.open(tx, account, params, { by: 'passkey', methods });
    });
  }

  return async (credentials, client) => {
    const read = readAssertion(credentials.response);
    if (!read) throw validationError([{ field: 'response', message: 'must be the response of a passkey' }]);
    // Consumed before the response is verified: one challenge is one attempt.
    const challenge = await passkeyChallenges.takeAuthentication(db.executor, credentials.challenge);
    if (!challenge) throw new AppError('INVALID_TOKEN', 'The challenge is no longer valid; start again.');
    const found = await find(read.json.id);
    const subject = found
      ? { userId: found.account.id, names: namesOf(found.account) }
      : { userId: null, names: [`passkey ${read.json.id}`] };
    const signIn = await lockout.attempt(subject, client, async (attempt) => {
      const use = await verify(read, credentials, found);
      if (!found || !use) return reject(attempt);
      if (found.account.disabledAt) return rejectDisabled(found.account.id, attempt, client);
      return open(found.passkey, use, credentials, attempt, client).catch(async (error: unknown) => {
        if (!(error instanceof WrongFactor)) throw error;
        if (error.record) await db.transaction(error.record);
        return reject(attempt);
      });
    });
    await sessions.enforceLimit(signIn.account.id, client);
    return signIn;
  };
}

/** The same error for an unknown passkey and a wrong signature. */
async function reject(attempt: PasswordAttempt): Promise<never> {
  await attempt.recordFailure({ type: 'login.failed', detail: 'passkey' });
  throw new AppError('INVALID_CREDENTIALS', 'The passkey is not known here, or its response is wrong.');
}
