/** SQL of mailed sign-in codes. */
import { and, eq, gt, inArray, lt, lte, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { emailCodes, users } from '../db/schema/index.js';

export type EmailCodeRow = typeof emailCodes.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createEmailCodeRepository(executor: Executor) {
  const table = emailCodes;
  /** Whether the account still has the address to which the code was sent. */
  const isOfAddress = sql`${table.emailKey} = (select ${users.emailKey} from ${users} where ${users.id} = ${table.userId})`;
  const live = (now: Date) => and(gt(table.expiresAt, now), isOfAddress);
  return {
    /** Stores a code, replacing the account's earlier one and its tries. */
    async put(row: EmailCodeRow): Promise<void> {
      await executor.insert(table).values(row).onConflictDoUpdate({ target: table.userId, set: row });
    },

    /** Counts a try of the account's code. Undefined if it has none, or if that is out of tries. */
    async countTry(userId: string, maxTries: number, now: Date): Promise<EmailCodeRow | undefined> {
      const [row] = await executor
        .update(table)
        .set({ tries: sql`${table.tries} + 1` })
        .where(and(eq(table.userId, userId), lt(table.tries, maxTries), live(now)))
        .returning();
      return row;
    },

    /** Consumes a code atomically: one of several concurrent calls gets the row. */
    async take(userId: string, codeHashes: readonly string[], now: Date): Promise<EmailCodeRow | undefined> {
      const [row] = await executor
        .delete(table)
        .where(and(eq(table.userId, userId), inArray(table.codeHash, [...codeHashes]), live(now)))
        .returning();
      return row;
    },

    async findLink(linkHash: string, now: Date): Promise<EmailCodeRow | undefined> {
      const [row] = await executor
        .select()
        .from(table)
        .where(and(eq(table.linkHash, linkHash), live(now)));
      return row;
    },

    /** Consumes a code by its link, atomically. */
    async takeLink(linkHash: string, now: Date): Promise<EmailCodeRow | undefined> {
      const [row] = await executor
        .delete(table)
        .where(and(eq(table.linkHash, linkHash), live(now)))
        .returning();
      return row;
    },

    async deleteOf(userId: string): Promise<void> {
      await executor.delete(table).where(eq(table.userId, userId));
    },

    /** Deletes up to `limit` expired codes, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, table, table.userId, lte(table.expiresAt, now), limit),
  };
}
