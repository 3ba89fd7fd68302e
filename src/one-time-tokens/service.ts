/**
 * Single-use tokens in mailed links: 256 random bits, stored as a hash and bound to one purpose, account and address (OWASP
 * Forgot Password Cheat Sheet; ASVS 5.0, 6.5 and 6.6). A new token replaces the previous one.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.js';
import type { Executor } from '../db/database.js';
import { createOneTimeTokenRepository, type TokenOutcome, type TokenPurpose } from './repository.js';

/** The account and address of a token. */
export interface TokenSubject {
  readonly userId: string;
  /** The normalised address to which it is sent. */
  readonly emailKey: string;
}

export type { TokenOutcome, TokenPurpose } from './repository.js';

export interface OneTimeTokens {
  /** Issues a token. Voids the account's previous token for the same purpose. */
  issue(executor: Executor, purpose: TokenPurpose, subject: TokenSubject): Promise<string>;
  /** Reads a valid token without consuming it. */
  peek(executor: Executor, purpose: TokenPurpose, token: string): Promise<TokenSubject | undefined>;
  /**
   * Consumes a token atomically in the caller's transaction. `outcomeOf` returns `outcome` until the token would have expired.
   */
  take(tx: Executor, purpose: TokenPurpose, token: string, outcome: TokenOutcome): Promise<TokenSubject | undefined>;
  /** The outcome of a used token, for a repeated form submission; undefined if it was never used. */
  outcomeOf(executor: Executor, token: string): Promise<TokenOutcome | undefined>;
  /** Voids the unused tokens of an account in the caller's transaction. */
  void(tx: Executor, userId: string, purposes?: readonly TokenPurpose[]): Promise<void>;
  /** Deletes up to `limit` expired tokens and up to `limit` expired records of used ones; returns the larger count. */
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
