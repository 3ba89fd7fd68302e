/**
 * When a session was last used, without a write per request: uses are noted in the process and written together every few
 * seconds, for sessions whose last note is older than `lastUsedAt` may be off.
 */
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { createSessionRepository } from './repository.js';
import type { SessionRecord } from './session.js';

export interface UseRecorder {
  /** Notes that a session is being used. */
  note(session: Pick<SessionRecord, 'id' | 'lastUsedAt'>): void;
  /** Writes what was noted. What a failure loses is noted again by the next use. */
  flush(): Promise<void>;
}

/** How much `lastUsedAt` may be off, in milliseconds. */
const PRECISION_MS = 300_000;
/** Sessions of one statement; more wait for the next. */
const MAX_NOTED = 1000;

export function createUseRecorder({ db, clock }: { db: Database; clock: Clock }): UseRecorder {
  const repository = createSessionRepository(db.executor);
  let noted = new Set<string>();
  return {
    note({ id, lastUsedAt }) {
      if (clock.now() - lastUsedAt.getTime() >= PRECISION_MS && noted.size < MAX_NOTED) noted.add(id);
    },

    async flush() {
      if (noted.size === 0) return;
      const ids = [...noted];
      noted = new Set();
      const now = clock.now();
      await repository.touch(ids, new Date(now), new Date(now - PRECISION_MS));
    },
  };
}
