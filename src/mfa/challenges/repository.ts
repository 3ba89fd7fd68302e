/** SQL of second-factor challenges. */
import { and, eq, gt, lt, lte, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { secondFactorChallenges } from '../../db/schema/index.js';

export type ChallengeRow = typeof secondFactorChallenges.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createChallengeRepository(executor: Executor) {
  const table = secondFactorChallenges;
  const usable = (challengeHash: string, now: Date) =>
    and(eq(table.challengeHash, challengeHash), gt(table.expiresAt, now));
  return {
    async insert(row: ChallengeRow): Promise<void> {
      await executor.insert(table).values(row);
    },

    async find(challengeHash: string, now: Date): Promise<ChallengeRow | undefined> {
      const [row] = await executor.select().from(table).where(usable(challengeHash, now));
      return row;
    },

    /** Counts a try, before the code is verified. Undefined if the challenge is unknown, expired, used, or out of tries. */
    async countTry(challengeHash: string, maxTries: number, now: Date): Promise<ChallengeRow | undefined> {
      const [row] = await executor
        .update(table)
        .set({ tries: sql`${table.tries} + 1` })
        .where(and(usable(challengeHash, now), lt(table.tries, maxTries)))
        .returning();
      return row;
    },

    /** Consumes a challenge atomically: one of several concurrent calls gets the row. */
    async take(challengeHash: string, now: Date): Promise<ChallengeRow | undefined> {
      const [row] = await executor.delete(table).where(usable(challengeHash, now)).returning();
      return row;
    },

    async deleteOf(userId: string): Promise<void> {
      await executor.delete(table).where(eq(table.userId, userId));
    },

    /** Deletes up to `limit` expired challenges, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, table, table.challengeHash, lte(table.expiresAt, now), limit),
  };
}
