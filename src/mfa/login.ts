/** The second step of a sign-in: proves a second factor with the challenge of the first step. */
import type { Audit } from '../audit/audit.js';
import type { Database } from '../db/database.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import { invalidCode } from '../lib/errors.js';
import type { Lockout } from '../passwords/lockout.js';
import type { Sessions } from '../sessions/service.js';
import type { SignIn } from '../sessions/sign-in.js';
import { namesOf } from '../users/identifiers.js';
import { createAccountRepository } from '../users/repository.js';
import type { ChallengeRow } from './challenges/repository.js';
import { invalidChallenge, type Challenges, type PresentedChallenge } from './challenges/service.js';
import { MULTI_FACTOR, WrongFactor } from './factors/verify-factor.js';
import { exactlyOne, presentedFactors, type FactorInput, type FactorVerifiers } from './presented-factor.js';

export interface SecondFactorLogin {
  /** The parameters of the session to open, from the first step. @throws AppError INVALID_TOKEN */
  find(presented: PresentedChallenge): Promise<Pick<ChallengeRow, 'transport'>>;
  /**
   * Opens the session. A wrong factor leaves the challenge valid until its tries are used up.
   * @throws AppError INVALID_CODE; INVALID_TOKEN for a challenge that is unknown, expired, used, of another browser or out of
   * tries; VALIDATION_ERROR unless exactly one factor is presented; RATE_LIMIT_EXCEEDED; SERVICE_UNAVAILABLE
   */
  login(presented: PresentedChallenge, input: FactorInput, client: ClientInfo): Promise<SignIn>;
}

export interface SecondFactorLoginOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Pick<Sessions, 'open' | 'enforceLimit'>;
  readonly challenges: Pick<Challenges, 'find' | 'countTry' | 'take'>;
  readonly lockout: Pick<Lockout, 'attempt'>;
  readonly verifiers: FactorVerifiers;
}

const FIELDS = ['totp', 'recoveryCode', 'passkey'];

export function createSecondFactorLogin(options: SecondFactorLoginOptions): SecondFactorLogin {
  const { db, clock, audit, sessions, challenges, lockout, verifiers } = options;
  const repository = createAccountRepository(db.executor);

  return {
    find: (presented) => challenges.find(db.executor, presented),

    async login(presented, input, client) {
      const [factor, ...others] = presentedFactors(input, verifiers);
      if (!factor || others.length > 0) throw exactlyOne(FIELDS);
      // Counted by a statement of its own, so that parallel guesses all count.
      const { userId } = await challenges.countTry(db.executor, presented);
      const found = await repository.findById(userId);
      if (!found) throw invalidChallenge();
      const subject = { userId, names: namesOf(found.account), isSecondStep: true };
      const signIn = await lockout.attempt(subject, client, async (attempt) => {
        const work = db.transaction(async (tx) => {
          const account = await createAccountRepository(tx).recordLogin(userId, new Date(clock.now()));
          if (!account) throw invalidChallenge();
          const { provedBy: by, methods, rememberMe, transport } = await challenges.take(tx, presented);
          const proved = await factor.verify(tx, userId, client);
          if (!proved || (attempt.isLocked && factor.isGuessable)) throw new WrongFactor();
          const params = { client, rememberMe, transport };
          const proof = { by, methods: [...new Set([...methods, ...proved, MULTI_FACTOR])] };
          const opened = await sessions.open(tx, account, params, proof);
          const sessionId = 'session' in opened ? opened.session.id : null;
          await audit.record(tx, { type: 'second_factor.used', userId, sessionId, client, detail: factor.name });
          await attempt.resetFailures(tx);
          return opened;
        });
        return work.catch(async (error: unknown) => {
          if (!(error instanceof WrongFactor)) throw error;
          if (error.record) await db.transaction(error.record);
          await attempt.recordFailure({ type: 'second_factor.failed', detail: factor.name });
          throw invalidCode();
        });
      });
      await sessions.enforceLimit(userId, client);
      return signIn;
    },
  };
}
