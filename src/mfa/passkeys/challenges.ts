/**
 * Challenges of WebAuthn ceremonies: 256 random bits, stored as a hash, valid for five minutes, used once (WebAuthn Level 3,
 * section 13.4.3).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Executor } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { CEREMONY_MS } from './ceremonies.js';
import { createPasskeyRepository, type PasskeyChallengeRow } from './repository.js';

/** A challenge for the authenticator. */
export interface CeremonyChallenge {
  /** In base64url. */
  readonly challenge: string;
  readonly expiresAt: Date;
}

export interface CeremonyChallenges {
  /** Issues a challenge, bound to an account and a session where they are known. */
  issue(
    executor: Executor,
    binding: Pick<PasskeyChallengeRow, 'purpose' | 'userId' | 'sessionId'>,
  ): Promise<CeremonyChallenge>;
  /** Consumes the challenge of a registration. False if it is not one of this session, or expired or used. */
  takeRegistration(tx: Executor, challenge: string, userId: string, sessionId: string): Promise<boolean>;
  /**
   * Consumes the challenge of an authentication.
   * @param userId undefined for a sign-in without a first factor: then only a challenge that is for no account will do
   * @returns the account that it was for, if any; undefined if it is unknown, expired, used, or of another account
   */
  takeAuthentication(
    executor: Executor,
    challenge: string,
    userId?: string,
  ): Promise<Pick<PasskeyChallengeRow, 'userId'> | undefined>;
  /** Deletes up to `limit` expired challenges; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const CHALLENGE_BYTES = 32;

export function createCeremonyChallenges({ clock }: { readonly clock: Clock }): CeremonyChallenges {
  const now = () => new Date(clock.now());
  return {
    async issue(executor, binding) {
      const challenge = randomBytes(CHALLENGE_BYTES).toString('base64url');
      const [createdAt, expiresAt] = [now(), new Date(clock.now() + CEREMONY_MS)];
      const challengeHash = hashOf(challenge);
      await createPasskeyRepository(executor).insertChallenge({ ...binding, challengeHash, createdAt, expiresAt });
      return { challenge, expiresAt };
    },

    takeRegistration: (tx, challenge, userId, sessionId) =>
      createPasskeyRepository(tx).takeRegistration(hashOf(challenge), userId, sessionId, now()),

    takeAuthentication: (executor, challenge, userId) =>
      createPasskeyRepository(executor).takeAuthentication(hashOf(challenge), userId, now()),

    clear: (tx, limit) => createPasskeyRepository(tx).deleteExpired(now(), limit),
  };
}

function hashOf(challenge: string): string {
  return createHash('sha256').update(challenge).digest('base64url');
}
