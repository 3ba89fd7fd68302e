/** All SQL of failed password attempts. */
import { inArray, lte, sql } from 'drizzle-orm';
import { makePgArray } from 'drizzle-orm/pg-core';
import type { Executor } from '../db/database.js';
import { passwordAttempts } from '../db/schema/index.js';
import { statement } from '../db/statement.js';

export type AttemptRow = typeof passwordAttempts.$inferSelect;

/** Locks in the order of `lock`, so that the two never wait for each other. */
const forget = statement(undefined, (executor) =>
  executor.delete(passwordAttempts).where(
    inArray(
      passwordAttempts.key,
      executor
        .select({ key: passwordAttempts.key })
        .from(passwordAttempts)
        .where(sql`${passwordAttempts.key} = any(${sql.placeholder('keys')}::text[])`)
        .orderBy(passwordAttempts.key)
        .for('update'),
    ),
  ),
);

/** @param executor the database, or one transaction of it */
export function createAttemptRepository(executor: Executor) {
  return {
    /**
     * Locks the rows of keys until the end of the transaction, in one order for everybody; a key that has none gets one
     * without failures.
     */
    async lock(keys: readonly string[], now: Date): Promise<AttemptRow[]> {
      const sorted = [...new Set(keys)].sort();
      return executor
        .insert(passwordAttempts)
        .values(sorted.map((key) => ({ key, failures: 0, blockedUntil: new Date(0), expiresAt: now })))
        .onConflictDoUpdate({ target: passwordAttempts.key, set: { key: sql`excluded.key` } })
        .returning();
    },

    /** Stores rows that `lock` has locked. */
    async store(rows: readonly AttemptRow[]): Promise<void> {
      await executor
        .insert(passwordAttempts)
        .values([...rows])
        .onConflictDoUpdate({
          target: passwordAttempts.key,
          set: {
            failures: sql`excluded.failures`,
            blockedUntil: sql`excluded.blocked_until`,
            expiresAt: sql`excluded.expires_at`,
          },
        });
    },

    /** Takes one attempt back that proved nothing either way, and the waits that it began. */
    async refund(keys: readonly string[]): Promise<void> {
      const locked = executor
        .select({ key: passwordAttempts.key })
        .from(passwordAttempts)
        .where(inArray(passwordAttempts.key, [...keys]))
        .orderBy(passwordAttempts.key)
        .for('update');
      await executor
        .update(passwordAttempts)
        .set({ failures: sql`greatest(${passwordAttempts.failures} - 1, 0)`, blockedUntil: new Date(0) })
        .where(inArray(passwordAttempts.key, locked));
    },

    async forget(keys: readonly string[]): Promise<void> {
      await forget(executor, { keys: makePgArray([...keys]) });
    },

    /** Removes up to `limit` that are forgotten, skipping rows that are locked. */
    async deleteExpired(now: Date, limit: number): Promise<number> {
      const expired = executor
        .select({ key: passwordAttempts.key })
        .from(passwordAttempts)
        .where(lte(passwordAttempts.expiresAt, now))
        .limit(limit)
        .for('update', { skipLocked: true });
      const deleted = await executor
        .delete(passwordAttempts)
        .where(inArray(passwordAttempts.key, expired))
        .returning({ key: passwordAttempts.key });
      return deleted.length;
    },
  };
}
