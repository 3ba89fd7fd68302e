/** Work that one instance does at a time, in transactions short enough to be in nobody's way. */
import { setTimeout as rest } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Database, Executor } from './database.js';

/** The space of these advisory locks, apart from that of the migrations: "ltcj" in ASCII. */
const JOBS = 0x6c74636a;
/** Rows of one transaction, where no fewer are asked for. */
const BATCH = 1000;

export interface ClearingOptions {
  /** Of one transaction. */
  readonly limit?: number;
  /** Ends it after the batch that runs. */
  readonly stop?: AbortSignal | undefined;
}

/**
 * Clears in batches, each in a transaction of its own, until one is not full; where another instance is at it, that is
 * left to it. Between two batches it rests for as long as the last one took, so that half of the time belongs to others;
 * another instance that begins meanwhile goes on with it.
 * @param job what instances agree on
 * @param clear removes up to so many and returns how many it did
 * @returns how many were removed
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

/** Until the end of the transaction; false when another instance has it. */
async function takeLock(tx: Executor, job: string): Promise<boolean> {
  const [row] = await tx
    .select({ taken: sql<boolean>`pg_try_advisory_xact_lock(${JOBS}::int, hashtext(${job}))` })
    .from(sql`(select 1) as one`);
  return row?.taken ?? false;
}
