/**
 * A clock synchronised with the database. Clock skew between instances could exceed the grace time of a refresh token. The offset
 * to the local clock is measured at startup and periodically.
 */
import { sql } from 'drizzle-orm';
import { systemClock, type Clock } from '../lib/clock.js';
import type { Database } from './database.js';

export interface SharedClock extends Clock {
  /** Measures the offset again. @throws AppError SERVICE_UNAVAILABLE */
  synchronise(): Promise<void>;
}

/** The sample with the shortest round trip is the most precise. */
const SAMPLES = 3;

/** @param local the local clock */
export async function createSharedClock(db: Database, local: Clock = systemClock): Promise<SharedClock> {
  let offsetMs = 0;

  async function sample(): Promise<{ offsetMs: number; tookMs: number }> {
    const asked = local.now();
    const [row] = await db.executor
      .select({ ms: sql<string>`(extract(epoch from clock_timestamp()) * 1000)::float8` })
      .from(sql`(select 1) as one`);
    const tookMs = local.now() - asked;
    return { offsetMs: Number(row!.ms) - (asked + tookMs / 2), tookMs };
  }

  const clock: SharedClock = {
    now: () => Math.round(local.now() + offsetMs),
    async synchronise() {
      let best = await sample();
      for (let question = 1; question < SAMPLES; question += 1) {
        const next = await sample();
        if (next.tookMs < best.tookMs) best = next;
      }
      offsetMs = best.offsetMs;
    },
  };
  // The embedded database uses the local clock.
  if (db.kind === 'postgres') await clock.synchronise();
  return clock;
}
