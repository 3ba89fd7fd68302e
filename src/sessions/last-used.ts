/**
 * Updates `lastUsedAt` of sessions without a write per request: collects uses in memory and writes them together every few
 * seconds. Skips sessions whose stored value is recent enough.
 */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { createSessionRepository } from './repository.js';
import type { SessionRecord } from './session.js';

export interface LastUsedRecorder {
  /** Records that a session is in use. */
  record(session: Pick<SessionRecord, 'id' | 'lastUsedAt'>): void;
  /** Writes the collected uses. After a failure, the next request of the session records it again. */
  flush(): Promise<void>;
}

export interface LastUsedRecorderOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** Maximum error of `lastUsedAt`, in milliseconds; at most a quarter of the idle timeout. */
const PRECISION_MS = 300_000;
/** Sessions per statement. */
const BATCH = 1000;
/** Pending sessions, about 5 MB. Others are recorded at a later use. */
const MAX_PENDING = 50_000;

export function createLastUsedRecorder({ db, clock, idleTtlMs = Infinity }: LastUsedRecorderOptions): LastUsedRecorder {
  const precisionMs = Math.min(PRECISION_MS, idleTtlMs / 4);
  const repository = createSessionRepository(db.executor);
  let pending = new Set<string>();
  return {
    record({ id, lastUsedAt }) {
      if (clock.now() - lastUsedAt.getTime() >= precisionMs && pending.size < MAX_PENDING) pending.add(id);
    },

    async flush() {
      if (pending.size === 0) return;
      const ids = [...pending];
      pending = new Set();
      const now = clock.now();
      const before = new Date(now - precisionMs);
      for (let from = 0; from < ids.length; from += BATCH)
        await repository.touch(ids.slice(from, from + BATCH), new Date(now), before);
    },
  };
}
