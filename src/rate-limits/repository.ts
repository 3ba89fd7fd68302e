/** SQL of the rate limit counters. */
import { and, gt, lte, sql } from 'drizzle-orm';
import { makePgArray } from 'drizzle-orm/pg-core';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { rateLimits } from '../db/schema/index.js';
import { param, statement } from '../db/statement.js';

const window = { count: rateLimits.count, resetsAt: rateLimits.resetsAt };
const over = sql`${rateLimits.resetsAt} <= ${param(rateLimits.resetsAt, 'now')}::timestamptz`;

const chargeWindow = statement(window, (executor) =>
  executor
    .insert(rateLimits)
    .values({
      key: param(rateLimits.key, 'key'),
      count: 1,
      resetsAt: param(rateLimits.resetsAt, 'resetsAt'),
    })
    .onConflictDoUpdate({
      target: rateLimits.key,
      set: {
        count: sql`case when ${over} then 1 else ${rateLimits.count} + 1 end`,
        resetsAt: sql`case when ${over} then excluded.resets_at else ${rateLimits.resetsAt} end`,
      },
    })
    .returning(window),
);

const keyed = { key: rateLimits.key, ...window };
const readWindows = statement<{ key: string; count: number; resetsAt: Date }[]>(keyed, (executor) =>
  executor
    .select(keyed)
    .from(rateLimits)
    .where(
      and(
        sql`${rateLimits.key} = any(${sql.placeholder('keys')}::text[])`,
        gt(rateLimits.resetsAt, param(rateLimits.resetsAt, 'now')),
      ),
    ),
);

export function createRateLimitRepository(executor: Executor) {
  return {
    /** Counts one execution in the current window, or starts a new window. Atomic. */
    async charge(key: string, now: Date, resetsAt: Date): Promise<{ count: number; resetsAt: Date }> {
      const [row] = await chargeWindow(executor, { key, now, resetsAt });
      return row!;
    },

    /** The current windows by key. */
    async findMany(keys: readonly string[], now: Date): Promise<Map<string, { count: number; resetsAt: Date }>> {
      const rows = await readWindows(executor, { keys: makePgArray([...keys]), now });
      return new Map(rows.map((row) => [row.key, row]));
    },

    /** Removes up to `limit` expired windows, and skips locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, rateLimits, rateLimits.key, lte(rateLimits.resetsAt, now), limit),
  };
}
