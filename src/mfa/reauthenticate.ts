/** Step-up authentication: proves the person of a session again. */
import type { Audit } from '../audit/audit.js';
import type { Database, Executor } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { AppError, invalidCode, stepUpRequired } from '../lib/errors.js';
import type { Lockout } from '../passwords/lockout.js';
import { invalidCredentials, type ConfirmPassword } from '../passwords/verify.js';
import type { Revoker } from '../sessions/revocation.js';
import type { IssuedSession, Sessions } from '../sessions/service.js';
import { namesOf } from '../users/identifiers.js';
import { createAccountRepository, type AccountWithHash } from '../users/repository.js';
import { createFactorRepository } from './factors/repository.js';
import { MULTI_FACTOR, WrongFactor } from './factors/verify-factor.js';
import {
  exactlyOne,
  presentedFactors,
  type FactorInput,
  type FactorVerifiers,
  type PresentedFactor,
} from './presented-factor.js';
import type { StepUpMethods } from './step-up.js';

export interface Reauthentication extends FactorInput {
  readonly password?: string | null | undefined;
}

/**
 * Renews the proof of the caller's session, which gets new tokens.
 * @throws AppError INVALID_CREDENTIALS; INVALID_CODE; STEP_UP_REQUIRED for a password, if the account has a second factor;
 * VALIDATION_ERROR unless exactly one proof is presented; INVALID_TOKEN if the session ended meanwhile; RATE_LIMIT_EXCEEDED;
 * SERVICE_UNAVAILABLE
 */
export type Reauthenticate = (input: Reauthentication, caller: Revoker) => Promise<IssuedSession>;

export interface ReauthenticateOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Pick<Sessions, 'renew'>;
  readonly lockout: Pick<Lockout, 'attempt'>;
  readonly confirmPassword: ConfirmPassword;
  readonly verifiers: FactorVerifiers;
  readonly stepUpMethods: StepUpMethods;
}

const FIELDS = ['password', 'totp', 'recoveryCode', 'passkey'];

export function createReauthenticate(options: ReauthenticateOptions): Reauthenticate {
  const { db, clock, audit, sessions, lockout, confirmPassword, verifiers, stepUpMethods } = options;
  const repository = createAccountRepository(db.executor);

  async function renew(tx: Executor, { userId, sessionId, client }: Revoker, methods: readonly string[], by: string) {
    const account = (await createAccountRepository(tx).lockWithKeys(userId))?.account;
    const now = new Date(clock.now());
    if (!account || !(await createFactorRepository(tx).addProof(sessionId, userId, methods, now)))
      throw new AppError('INVALID_TOKEN', 'The session has ended.');
    await audit.record(tx, { type: 'session.reauthenticated', userId, sessionId, client, detail: `by ${by}` });
    return sessions.renew(tx, account, sessionId, client);
  }

  async function byPassword(password: string, found: AccountWithHash, caller: Revoker): Promise<IssuedSession> {
    const { id, hasSecondFactor } = found.account;
    if (hasSecondFactor) throw stepUpRequired(await stepUpMethods(id));
    return confirmPassword(found, password, caller, ({ passwordHash, resetFailures }) =>
      db.transaction(async (tx) => {
        const current = await createAccountRepository(tx).lock(id);
        // A factor that was enrolled meanwhile must not be skipped.
        if (current?.hasSecondFactor) throw stepUpRequired(await stepUpMethods(id));
        if ((await createAccountRepository(tx).findById(id))?.passwordHash !== passwordHash) throw invalidCredentials();
        await resetFailures(tx);
        return renew(tx, caller, ['pwd'], 'password');
      }),
    );
  }

  function byFactor(factor: PresentedFactor, { account }: AccountWithHash, caller: Revoker): Promise<IssuedSession> {
    const { userId, sessionId, client } = caller;
    const subject = { userId, names: namesOf(account), sessionId };
    return lockout.attempt(subject, client, async (attempt) => {
      const work = db.transaction(async (tx) => {
        await createAccountRepository(tx).lock(userId);
        const proved = await factor.verify(tx, userId, client);
        if (!proved || attempt.isLocked) throw new WrongFactor();
        await attempt.resetFailures(tx);
        await audit.record(tx, { type: 'second_factor.used', userId, sessionId, client, detail: factor.name });
        return renew(tx, caller, [...proved, MULTI_FACTOR], factor.name);
      });
      return work.catch(async (error: unknown) => {
        if (!(error instanceof WrongFactor)) throw error;
        if (error.record) await db.transaction(error.record);
        await attempt.recordFailure({ type: 'second_factor.failed', detail: factor.name });
        throw invalidCode();
      });
    });
  }

  return async (input, caller) => {
    const { password } = input;
    const factors = presentedFactors(input, verifiers);
    if (factors.length + (password == null ? 0 : 1) !== 1) throw exactlyOne(FIELDS);
    const found = await repository.findById(caller.userId);
    if (!found) throw new AppError('USER_NOT_FOUND', 'The account no longer exists.');
    return factors[0] ? byFactor(factors[0], found, caller) : byPassword(password!, found, caller);
  };
}
