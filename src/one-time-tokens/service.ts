/**
 * Tokens that are mailed as links: 256 random bits, for one purpose, one account, one address and one use; kept as a hash
 * (OWASP Forgot Password Cheat Sheet; ASVS 5.0, 6.5 and 6.6). A newer one takes the older one's place.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import type { Executor } from '../db/database.js';
import { createOneTimeTokenRepository, type TokenOutcome, type TokenPurpose } from './repository.js';

/** Whom a token is for. */
export interface TokenSubject {
  readonly userId: string;
  /** The normalised address that it is sent to. */
  readonly emailKey: string;
}

export type { TokenOutcome, TokenPurpose } from './repository.js';

export interface OneTimeTokens {
  /** Makes a token; older ones of the account for the purpose are void. */
  issue(executor: Executor, purpose: TokenPurpose, subject: TokenSubject): Promise<string>;
  /** Whom a usable token is for, without using it: before work that is only worth it then. */
  peek(executor: Executor, purpose: TokenPurpose, token: string): Promise<TokenSubject | undefined>;
  /**
   * Consumes a token in one statement inside the caller's transaction. Until the token would have expired, `outcomeOf`
   * returns `outcome`.
   */
  take(tx: Executor, purpose: TokenPurpose, token: string, outcome: TokenOutcome): Promise<TokenSubject | undefined>;
  /** What a token did when it was used, for a second press of the same button; undefined if it was never used. */
  outcomeOf(executor: Executor, token: string): Promise<TokenOutcome | undefined>;
  /** Voids what is pending of an account, inside the caller's transaction. */
  void(tx: Executor, userId: string, purposes?: readonly TokenPurpose[]): Promise<void>;
  /** Removes up to `limit` expired tokens and as many expired records of used ones; returns the larger number. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const TOKEN_BYTES = 32;
/** 32 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{43}$/;
const HOUR_MS = 3_600_000;
const LIFETIME_MS: Readonly<Record<TokenPurpose, number>> = {
  password_reset: HOUR_MS,
  email_verification: 24 * HOUR_MS,
};
const ALL: readonly TokenPurpose[] = ['password_reset', 'email_verification'];

export function createOneTimeTokens({ clock }: { clock: Clock }): OneTimeTokens {
  return {
    async issue(executor, purpose, { userId, emailKey }) {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const now = clock.now();
      await createOneTimeTokenRepository(executor).put({
        userId,
        purpose,
        tokenHash: hashOf(token),
        emailKey,
        createdAt: new Date(now),
        expiresAt: new Date(now + LIFETIME_MS[purpose]),
      });
      return token;
    },

    async peek(executor, purpose, token) {
      if (!TOKEN.test(token)) return undefined;
      return createOneTimeTokenRepository(executor).find(hashOf(token), purpose, new Date(clock.now()));
    },

    async take(tx, purpose, token, outcome) {
      if (!TOKEN.test(token)) return undefined;
      const repository = createOneTimeTokenRepository(tx);
      const taken = await repository.take(hashOf(token), purpose, new Date(clock.now()));
      if (taken) await repository.remember({ tokenHash: taken.tokenHash, outcome, expiresAt: taken.expiresAt });
      return taken;
    },

    async outcomeOf(executor, token) {
      if (!TOKEN.test(token)) return undefined;
      return createOneTimeTokenRepository(executor).outcomeOf(hashOf(token), new Date(clock.now()));
    },

    void: (tx, userId, purposes = ALL) => createOneTimeTokenRepository(tx).deleteOf(userId, purposes),

    async clear(tx, limit) {
      const repository = createOneTimeTokenRepository(tx);
      const now = new Date(clock.now());
      const expired = await repository.deleteExpired(now, limit);
      return Math.max(expired, await repository.deleteExpiredUses(now, limit));
    },
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
