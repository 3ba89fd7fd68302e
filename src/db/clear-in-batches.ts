/** Runs a clean-up on one instance at a time, in short transactions. */
import { setTimeout as rest } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Database, Executor } from './database.js';

/** The class of these advisory locks: "ltcj" in ASCII. */
const JOBS = 0x6c74636a;
/** The default number of rows per transaction. */
const BATCH = 1000;

export interface ClearingOptions {
  /** Rows per transaction. */
  readonly limit?: number;
  /** Stops after the current batch. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * Deletes in batches, each in its own transaction, until a batch is not full. Stops if another instance holds the lock. Pauses
 * between two batches for as long as the last one took, which limits the load to half of the time; another instance may
 * take over during a pause.
 * @param job the name of the lock, shared by all instances and releases
 * @param clear deletes up to `limit` rows and returns how many
 * @returns the number of deleted rows
 */
export async function clearInBatches(
  db: Database,
  job: string,
  clear: (tx: Executor, limit: number) => Promise<number>,
  { limit = BATCH, stop }: ClearingOptions = {},
): Promise<number> {
  let cleared = 0;
  for (;;) {
    const startedAt = performance.now();
    const batch = await db.transaction(async (tx) => ((await takeLock(tx, job)) ? clear(tx, limit) : 0));
    cleared += batch;
    if (batch < limit) return cleared;
    await rest(performance.now() - startedAt, undefined, { signal: stop }).catch(() => undefined);
    if (stop?.aborted) return cleared;
  }
}

/** Takes the lock until the end of the transaction; false if another instance holds it. */
async function takeLock(tx: Executor, job: string): Promise<boolean> {
  const [row] = await tx
    .select({ taken: sql<boolean>`pg_try_advisory_xact_lock(${JOBS}::int, hashtext(${job}))` })
    .from(sql`(select 1) as one`);
  return row?.taken ?? false;
}
