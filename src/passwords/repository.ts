/** All SQL of failed proofs. */
import { and, eq, gt, gte, inArray, lte, notExists, sql, type SQL } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { passwordAttempts, rateLimits } from '../db/schema/index.js';
import { given, statement } from '../db/statement.js';

/** How failures turn into a wait. All in milliseconds. */
export interface AttemptLimits {
  /** Failures that cost nothing. */
  readonly max: number;
  /** How long failures are remembered after the last one. */
  readonly windowMs: number;
  /** The wait after the last free failure; each further one doubles it. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/** A window of the rate limits that must have room left. */
export interface Budget {
  readonly key: string;
  readonly max: number;
  /** Attempts that run and may come to count. */
  readonly held: number;
}

const charge = statement({ failures: passwordAttempts.failures }, (executor) => {
  const placed = (name: string, type: 'float8' | 'int' | 'text' | 'timestamptz') =>
    sql`${sql.placeholder(name)}::${sql.raw(type)}`;
  const now = placed('now', 'timestamptz');
  const forgotten = sql`${passwordAttempts.expiresAt} <= ${now}`;
  const failures = sql`case when ${forgotten} then 1 else ${passwordAttempts.failures} + 1 end`;
  const max = placed('max', 'int');
  // 30 doublings are more than any wait; they keep the power from overflowing.
  const delay = (count: SQL) => sql`case when ${count} >= ${max}
    then least(${placed('maxDelayMs', 'float8')}, ${placed('firstDelayMs', 'float8')} * power(2, least(${count} - ${max}, 30)))
    else 0 end * interval '1 millisecond'`;
  // Not before its own time: of attempts at once, on clocks a little apart, the one that comes second may bear the earlier.
  const blockedUntil = (count: SQL) =>
    sql`case when ${count} >= ${max} then ${now} + ${delay(count)} else to_timestamp(0) end`;
  const kept = sql`${placed('windowMs', 'float8')} * interval '1 millisecond'`;
  const first = sql`1`;
  const usedUp = executor
    .select({ key: rateLimits.key })
    .from(rateLimits)
    .where(
      and(
        eq(rateLimits.key, placed('budgetKey', 'text')),
        gt(rateLimits.resetsAt, now),
        gte(sql`${rateLimits.count} + ${placed('held', 'int')}`, placed('budgetMax', 'int')),
      ),
    );
  return executor
    .insert(passwordAttempts)
    .select((of) =>
      of
        .select({
          key: placed('key', 'text').as('key'),
          failures: first.as('failures'),
          blockedUntil: blockedUntil(first).as('blocked_until'),
          expiresAt: sql`${now} + ${delay(first)} + ${kept}`.as('expires_at'),
        })
        .from(sql`(select 1) as one`)
        .where(and(notExists(usedUp), sql`${placed('held', 'int')} < ${placed('budgetMax', 'int')}`)),
    )
    .onConflictDoUpdate({
      target: passwordAttempts.key,
      set: {
        failures,
        blockedUntil: blockedUntil(failures),
        expiresAt: sql`${now} + ${delay(failures)} + ${kept}`,
      },
      setWhere: sql`${passwordAttempts.blockedUntil} <= ${now} or ${forgotten}`,
    })
    .returning({ failures: passwordAttempts.failures });
});

const forget = statement(undefined, (executor) =>
  executor.delete(passwordAttempts).where(eq(passwordAttempts.key, given(passwordAttempts.key, 'key'))),
);

/** @param executor the database, or one transaction of it */
export function createAttemptRepository(executor: Executor) {
  return {
    /**
     * Counts an attempt as a failure in one statement, so that parallel guesses all count; undefined when none is
     * admitted at the moment, by the account or by the budget, and nothing is counted.
     * @returns how many failures there are with this one
     */
    async charge(key: string, at: number, limits: AttemptLimits, budget: Budget): Promise<number | undefined> {
      const { key: budgetKey, max: budgetMax, held } = budget;
      const now = new Date(at).toISOString();
      const [row] = await charge(executor, { key, now, ...limits, budgetKey, budgetMax, held });
      return row?.failures;
    },

    async blockedUntil(key: string): Promise<Date | undefined> {
      const [row] = await executor
        .select({ blockedUntil: passwordAttempts.blockedUntil })
        .from(passwordAttempts)
        .where(eq(passwordAttempts.key, key));
      return row?.blockedUntil;
    },

    /** Takes one attempt back that proved nothing either way, and the wait that it began. */
    async refund(key: string): Promise<void> {
      await executor
        .update(passwordAttempts)
        .set({ failures: sql`greatest(${passwordAttempts.failures} - 1, 0)`, blockedUntil: new Date(0) })
        .where(eq(passwordAttempts.key, key));
    },

    async forget(key: string): Promise<void> {
      await forget(executor, { key });
    },

    /** Removes up to `limit` that are forgotten, passing by rows that somebody holds. */
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
