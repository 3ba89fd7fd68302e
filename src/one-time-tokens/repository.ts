/** SQL of one-time tokens. */
import { and, eq, gt, inArray, lte } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { oneTimeTokens, usedOneTimeTokens } from '../db/schema/index.js';

export type OneTimeTokenRow = typeof oneTimeTokens.$inferSelect;
export type TokenPurpose = OneTimeTokenRow['purpose'];
/** The effect of using a token. */
export type TokenOutcome = (typeof usedOneTimeTokens.$inferSelect)['outcome'];

/** @param executor the database, or one transaction of it */
export function createOneTimeTokenRepository(executor: Executor) {
  const usable = (tokenHash: string, purpose: TokenPurpose, now: Date) =>
    and(eq(oneTimeTokens.tokenHash, tokenHash), eq(oneTimeTokens.purpose, purpose), gt(oneTimeTokens.expiresAt, now));
  return {
    /** Stores a token, replacing the account's token for the same purpose. */
    async put(row: OneTimeTokenRow): Promise<void> {
      await executor
        .insert(oneTimeTokens)
        .values(row)
        .onConflictDoUpdate({ target: [oneTimeTokens.userId, oneTimeTokens.purpose], set: row });
    },

    async find(tokenHash: string, purpose: TokenPurpose, now: Date): Promise<OneTimeTokenRow | undefined> {
      const [row] = await executor
        .select()
        .from(oneTimeTokens)
        .where(usable(tokenHash, purpose, now));
      return row;
    },

    /** Consumes a token atomically: one of several concurrent calls gets the row. */
    async take(tokenHash: string, purpose: TokenPurpose, now: Date): Promise<OneTimeTokenRow | undefined> {
      const [row] = await executor
        .delete(oneTimeTokens)
        .where(usable(tokenHash, purpose, now))
        .returning();
      return row;
    },

    /** Records a consumed token. */
    async remember(used: typeof usedOneTimeTokens.$inferInsert): Promise<void> {
      await executor.insert(usedOneTimeTokens).values(used);
    },

    /** The outcome of a consumed token; undefined if it was never used or would have expired by now. */
    async outcomeOf(tokenHash: string, now: Date): Promise<TokenOutcome | undefined> {
      const [row] = await executor
        .select({ outcome: usedOneTimeTokens.outcome })
        .from(usedOneTimeTokens)
        .where(and(eq(usedOneTimeTokens.tokenHash, tokenHash), gt(usedOneTimeTokens.expiresAt, now)));
      return row?.outcome;
    },

    async deleteOf(userId: string, purposes: readonly TokenPurpose[]): Promise<void> {
      await executor
        .delete(oneTimeTokens)
        .where(and(eq(oneTimeTokens.userId, userId), inArray(oneTimeTokens.purpose, [...purposes])));
    },

    /** Deletes up to `limit` expired tokens, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, oneTimeTokens, oneTimeTokens.tokenHash, lte(oneTimeTokens.expiresAt, now), limit),

    /** Deletes up to `limit` expired records of used tokens, skipping locked rows. */
    deleteExpiredUses: (now: Date, limit: number) =>
      deleteBatch(
        executor,
        usedOneTimeTokens,
        usedOneTimeTokens.tokenHash,
        lte(usedOneTimeTokens.expiresAt, now),
        limit,
      ),
  };
}
