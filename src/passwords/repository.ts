/** SQL of the counters of failed password attempts. */
import { getTableColumns, inArray, lte, sql } from 'drizzle-orm';
import { makePgArray } from 'drizzle-orm/pg-core';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { passwordAttempts } from '../db/schema/index.js';
import { param, statement } from '../db/statement.js';

export type AttemptRow = typeof passwordAttempts.$inferSelect;

/** Locks rows in the same order as `lock`, which prevents deadlocks. */
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

/** Callers pass the keys sorted, so concurrent statements lock rows in the same order. */
const lock = statement<AttemptRow[]>(getTableColumns(passwordAttempts), (executor) =>
  executor
    .insert(passwordAttempts)
    .select((of) =>
      of
        .select({
          key: sql`asked.key`.as('key'),
          failures: sql`0`.as('failures'),
          blockedUntil: sql`to_timestamp(0)`.as('blocked_until'),
          expiresAt: sql`${param(passwordAttempts.expiresAt, 'now')}::timestamptz`.as('expires_at'),
        })
        .from(sql`unnest(${sql.placeholder('keys')}::text[]) as asked (key)`),
    )
    .onConflictDoUpdate({ target: passwordAttempts.key, set: { key: sql`excluded.key` } })
    .returning(),
);

const store = statement(undefined, (executor) =>
  executor
    .update(passwordAttempts)
    .set({
      failures: sql`charged.failures`,
      blockedUntil: sql`charged.blocked_until`,
      expiresAt: sql`charged.expires_at`,
    })
    .from(
      sql`unnest(${sql.placeholder('keys')}::text[], ${sql.placeholder('failures')}::int[],
        ${sql.placeholder('blockedUntil')}::timestamptz[], ${sql.placeholder('expiresAt')}::timestamptz[])
        as charged (key, failures, blocked_until, expires_at)`,
    )
    .where(sql`${passwordAttempts.key} = charged.key`),
);

/** @param executor the database, or one transaction of it */
export function createAttemptRepository(executor: Executor) {
  return {
    /**
     * Locks the rows of the keys in sorted order until the end of the transaction. Creates missing rows with zero failures.
     */
    async lock(keys: readonly string[], now: Date): Promise<AttemptRow[]> {
      return lock(executor, { keys: makePgArray([...new Set(keys)].sort()), now });
    },

    /** Stores rows that `lock` has locked. */
    async store(rows: readonly AttemptRow[]): Promise<void> {
      await store(executor, {
        keys: makePgArray(rows.map(({ key }) => key)),
        failures: makePgArray(rows.map(({ failures }) => failures)),
        blockedUntil: makePgArray(rows.map(({ blockedUntil }) => blockedUntil.toISOString())),
        expiresAt: makePgArray(rows.map(({ expiresAt }) => expiresAt.toISOString())),
      });
    },

    /** Refunds an attempt without a result, including the waits that it started. */
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

    /** Deletes up to `limit` expired counters, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, passwordAttempts, passwordAttempts.key, lte(passwordAttempts.expiresAt, now), limit),
  };
}
