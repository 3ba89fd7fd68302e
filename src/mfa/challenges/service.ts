/**
 * Challenges of sign-ins that still need a second factor: 256 random bits, stored as a hash, bound to the account and to the
 * proof that was given. Valid for five minutes and five tries (OWASP ASVS 5.0, 6.5 and 6.6).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../lib/clock.js';
import type { Executor } from '../../db/database.js';
import { AppError, type SecondFactorMethod } from '../../lib/errors.js';
import { createFactorRepository } from '../factors/repository.js';
import { factorMethods } from '../step-up.js';
import { createChallengeRepository, type ChallengeRow } from './repository.js';

/** What the first step proved, and the parameters of the session to open. */
export type ChallengeParams = Pick<
  ChallengeRow,
  'userId' | 'provedBy' | 'methods' | 'rememberMe' | 'transport' | 'clientId'
>;

/** A challenge for the client. */
export interface IssuedChallenge {
  readonly challenge: string;
  readonly methods: readonly SecondFactorMethod[];
  readonly expiresAt: Date;
  /** To set as a cookie, if only this browser may finish the sign-in; undefined otherwise. */
  readonly browserToken: string | undefined;
}

/** A challenge that a client presents. */
export interface PresentedChallenge {
  readonly challenge: string;
  /** The cookie of the browser, if it sent one. */
  readonly browserToken?: string | undefined;
}

export interface Challenges {
  /** Issues a challenge in the caller's transaction. With the transport COOKIE it is bound to the browser. */
  issue(tx: Executor, params: ChallengeParams): Promise<IssuedChallenge>;
  /** Reads a valid challenge. @throws AppError INVALID_TOKEN */
  find(executor: Executor, presented: PresentedChallenge): Promise<ChallengeRow>;
  /** Counts a try, before the factor is verified. @throws AppError INVALID_TOKEN, also after the last try */
  countTry(executor: Executor, presented: PresentedChallenge): Promise<ChallengeRow>;
  /** Consumes a challenge atomically in the caller's transaction. @throws AppError INVALID_TOKEN */
  take(tx: Executor, presented: PresentedChallenge): Promise<ChallengeRow>;
  /** Voids the challenges of an account in the caller's transaction. */
  void(tx: Executor, userId: string): Promise<void>;
  /** Deletes up to `limit` expired challenges; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const TOKEN_BYTES = 32;
/** 32 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{43}$/;
/** In milliseconds. */
export const CHALLENGE_LIFETIME_MS = 300_000;
export const MAX_TRIES = 5;

export function createChallenges({ clock }: { readonly clock: Clock }): Challenges {
  const now = () => new Date(clock.now());

  /** The hash of a well-formed challenge. */
  function hashOfChallenge(challenge: string): string {
    if (!TOKEN.test(challenge)) throw invalidChallenge();
    return hashOf(challenge);
  }

  function assertBrowser(row: ChallengeRow | undefined, { browserToken }: PresentedChallenge): ChallengeRow {
    if (!row) throw invalidChallenge();
    const presented = browserToken === undefined ? null : hashOf(browserToken);
    if (row.browserHash !== null && row.browserHash !== presented) throw invalidChallenge();
    return row;
  }

  async function find(executor: Executor, presented: PresentedChallenge): Promise<ChallengeRow> {
    const row = await createChallengeRepository(executor).find(hashOfChallenge(presented.challenge), now());
    return assertBrowser(row, presented);
  }

  return {
    async issue(tx, params) {
      const [challenge, secret] = [randomToken(), randomToken()];
      const browserToken = params.transport === 'COOKIE' ? secret : undefined;
      const [createdAt, expiresAt] = [now(), new Date(clock.now() + CHALLENGE_LIFETIME_MS)];
      const repository = createChallengeRepository(tx);
      await repository.insert({
        ...params,
        challengeHash: hashOf(challenge),
        browserHash: browserToken === undefined ? null : hashOf(browserToken),
        tries: 0,
        createdAt,
        expiresAt,
      });
      const kinds = await createFactorRepository(tx).kindsOf(params.userId);
      return { challenge, methods: kinds ? factorMethods(kinds) : [], expiresAt, browserToken };
    },

    find,

    async countTry(executor, presented) {
      // Another browser must not use up the tries.
      await find(executor, presented);
      const row = await createChallengeRepository(executor).countTry(hashOf(presented.challenge), MAX_TRIES, now());
      if (!row) throw invalidChallenge();
      return row;
    },

    async take(tx, presented) {
      const row = await createChallengeRepository(tx).take(hashOfChallenge(presented.challenge), now());
      return assertBrowser(row, presented);
    },

    void: (tx, userId) => createChallengeRepository(tx).deleteOf(userId),

    clear: (tx, limit) => createChallengeRepository(tx).deleteExpired(now(), limit),
  };
}

function randomToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** The same error for every challenge that cannot be used. */
export function invalidChallenge(): AppError {
  return new AppError('INVALID_TOKEN', 'The challenge is no longer valid; sign in again.');
}
