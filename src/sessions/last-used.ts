/**
 * Records when sessions were last used without a write per request: uses are collected in the process and written together
 * every few seconds, for sessions whose recorded use is older than the precision of `lastUsedAt`.
 */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { createSessionRepository } from './repository.js';
import type { SessionRecord } from './session.js';

export interface LastUsedRecorder {
  /** Notes that a session is being used. */
  record(session: Pick<SessionRecord, 'id' | 'lastUsedAt'>): void;
  /** Writes the collected uses. Uses lost by a failure are noted again by the next request. */
  flush(): Promise<void>;
}

export interface LastUsedRecorderOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** After how long without use a session is over, in milliseconds; undefined: never. */
  readonly idleTtlMs?: number | undefined;
}

/** How much `lastUsedAt` may be off, in milliseconds; with a short idle timeout a quarter of that. */
const PRECISION_MS = 300_000;
/** Sessions of one statement. */
const MAX_AT_ONCE = 1000;
/** Sessions that wait to be written, some 5 MB; more are noted by their next use. */
const MAX_NOTED = 50_000;

export function createLastUsedRecorder({ db, clock, idleTtlMs = Infinity }: LastUsedRecorderOptions): LastUsedRecorder {
  const precisionMs = Math.min(PRECISION_MS, idleTtlMs / 4);
  const repository = createSessionRepository(db.executor);
  let noted = new Set<string>();
  return {
    record({ id, lastUsedAt }) {
      if (clock.now() - lastUsedAt.getTime() >= precisionMs && noted.size < MAX_NOTED) noted.add(id);
    },

    async flush() {
      if (noted.size === 0) return;
      const ids = [...noted];
      noted = new Set();
      const now = clock.now();
      const before = new Date(now - precisionMs);
      for (let from = 0; from < ids.length; from += MAX_AT_ONCE)
        await repository.touch(ids.slice(from, from + MAX_AT_ONCE), new Date(now), before);
    },
  };
}
