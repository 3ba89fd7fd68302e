/** SQL of the signing keys. */
import { and, desc, eq, isNotNull, isNull, lt, lte, ne, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { signingKeys } from '../db/schema/index.js';

export type SigningKeyRow = typeof signingKeys.$inferSelect;

/** What a key signs: access tokens, or ID tokens and logout tokens. */
export type KeyUse = SigningKeyRow['purpose'];

/** The advisory lock for creating and rotating keys: "ltky" in ASCII. */
const KEY_LOCK = 0x6c746b79;

/** Replaces a private key that is no longer needed. */
const ERASED = '';

/** @param executor the database, or one transaction of it */
export function createSigningKeyRepository(executor: Executor, purpose: KeyUse) {
  const ofPurpose = eq(signingKeys.purpose, purpose);
  return {
    /** Serialises instances that start or rotate concurrently, until the end of the transaction. */
    async lock(): Promise<void> {
      await executor.execute(sql`select pg_advisory_xact_lock(${KEY_LOCK})`);
    },

    /** All keys of the purpose, newest first. */
    async list(): Promise<SigningKeyRow[]> {
      return executor.select().from(signingKeys).where(ofPurpose).orderBy(desc(signingKeys.createdAt));
    },

    async insert(key: SigningKeyRow): Promise<void> {
      await executor.insert(signingKeys).values(key);
    },

    /** Raises the recorded token lifetime of the current keys to `tokenMs` milliseconds. */
    async recordTokenLifetime(tokenMs: number): Promise<void> {
      await executor
        .update(signingKeys)
        .set({ longestTokenMs: tokenMs })
        .where(and(ofPurpose, isNull(signingKeys.retiredAt), lt(signingKeys.longestTokenMs, tokenMs)));
    },

    /** Retires the current keys. Each keeps verifying for its longest token lifetime plus `marginMs`. */
    async retireCurrent(retiredAt: Date, marginMs: number): Promise<void> {
      const verifiesMs = sql`${signingKeys.longestTokenMs} + ${marginMs}::int`;
      const expiresAt = sql`${retiredAt.toISOString()}::timestamptz + (${verifiesMs}) * interval '1 millisecond'`;
      await executor
        .update(signingKeys)
        .set({ retiredAt, expiresAt })
        .where(and(ofPurpose, isNull(signingKeys.retiredAt)));
    },

    /** Erases the private keys of retired keys, which never sign again. */
    async eraseRetired(): Promise<void> {
      await executor
        .update(signingKeys)
        .set({ encryptedPrivateKey: ERASED })
        .where(and(isNotNull(signingKeys.retiredAt), ne(signingKeys.encryptedPrivateKey, ERASED)));
    },

    /** Deletes keys whose last token has expired. */
    async deleteExpired(now: Date): Promise<void> {
      await executor.delete(signingKeys).where(lte(signingKeys.expiresAt, now));
    },
  };
}
