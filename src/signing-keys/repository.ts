/** All SQL of the signing keys. */
import { and, desc, isNotNull, isNull, lt, lte, ne, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { signingKeys } from '../db/schema/index.js';

export type SigningKeyRow = typeof signingKeys.$inferSelect;

/** Every instance asks for this advisory lock before it makes a key: "ltky" in ASCII. */
const KEY_LOCK = 0x6c746b79;

/** In place of a private half that is no longer needed. */
const ERASED = '';

/** @param executor the database, or one transaction of it */
export function createSigningKeyRepository(executor: Executor) {
  return {
    /** Makes instances that start or rotate at once take turns, until the transaction ends. */
    async lock(): Promise<void> {
      await executor.execute(sql`select pg_advisory_xact_lock(${KEY_LOCK})`);
    },

    /** The newest first. */
    async list(): Promise<SigningKeyRow[]> {
      return executor.select().from(signingKeys).orderBy(desc(signingKeys.createdAt));
    },

    async insert(key: SigningKeyRow): Promise<void> {
      await executor.insert(signingKeys).values(key);
    },

    /** Records that the current keys sign tokens which live for so many milliseconds. */
    async recordTokenLifetime(tokenMs: number): Promise<void> {
      await executor
        .update(signingKeys)
        .set({ longestTokenMs: tokenMs })
        .where(and(isNull(signingKeys.retiredAt), lt(signingKeys.longestTokenMs, tokenMs)));
    },

    /** Retires the current keys. Each verifies for as long as the longest-lived token it signed, and `marginMs` more. */
    async retireCurrent(retiredAt: Date, marginMs: number): Promise<void> {
      const verifiesMs = sql`${signingKeys.longestTokenMs} + ${marginMs}::int`;
      const expiresAt = sql`${retiredAt.toISOString()}::timestamptz + (${verifiesMs}) * interval '1 millisecond'`;
      await executor.update(signingKeys).set({ retiredAt, expiresAt }).where(isNull(signingKeys.retiredAt));
    },

    /** Erases the private halves of retired keys: they never sign again. */
    async eraseRetired(): Promise<void> {
      await executor
        .update(signingKeys)
        .set({ encryptedPrivateKey: ERASED })
        .where(and(isNotNull(signingKeys.retiredAt), ne(signingKeys.encryptedPrivateKey, ERASED)));
    },

    /** Removes keys whose last token has run out. */
    async deleteExpired(now: Date): Promise<void> {
      await executor.delete(signingKeys).where(lte(signingKeys.expiresAt, now));
    },
  };
}
