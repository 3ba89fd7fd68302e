/** All SQL of one-time tokens. */
import { and, eq, gt, inArray, lte } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { oneTimeTokens } from '../db/schema/index.js';

export type OneTimeTokenRow = typeof oneTimeTokens.$inferSelect;
export type TokenPurpose = OneTimeTokenRow['purpose'];

/** @param executor the database, or one transaction of it */
export function createOneTimeTokenRepository(executor: Executor) {
  const usable = (tokenHash: string, purpose: TokenPurpose, now: Date) =>
    and(eq(oneTimeTokens.tokenHash, tokenHash), eq(oneTimeTokens.purpose, purpose), gt(oneTimeTokens.expiresAt, now));
  return {
    /** In place of the account's token for the same purpose, if there is one. */
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

    /** Uses a token up: of those who try at once, one gets the row. */
    async take(tokenHash: string, purpose: TokenPurpose, now: Date): Promise<OneTimeTokenRow | undefined> {
      const [row] = await executor
        .delete(oneTimeTokens)
        .where(usable(tokenHash, purpose, now))
        .returning();
      return row;
    },

    async deleteOf(userId: string, purposes: readonly TokenPurpose[]): Promise<void> {
      await executor
        .delete(oneTimeTokens)
        .where(and(eq(oneTimeTokens.userId, userId), inArray(oneTimeTokens.purpose, [...purposes])));
    },

    /** Removes up to `limit` that have run out, passing by rows that somebody holds. */
    async deleteExpired(now: Date, limit: number): Promise<number> {
      const expired = executor
        .select({ tokenHash: oneTimeTokens.tokenHash })
        .from(oneTimeTokens)
        .where(lte(oneTimeTokens.expiresAt, now))
        .limit(limit)
        .for('update', { skipLocked: true });
      const deleted = await executor
        .delete(oneTimeTokens)
        .where(inArray(oneTimeTokens.tokenHash, expired))
        .returning({ userId: oneTimeTokens.userId });
      return deleted.length;
    },
  };
}
