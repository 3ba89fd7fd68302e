/** Fixed windows counted in the database: a restart does not forget them, and instances share them. */
import type { Clock } from '../clock.js';
import type { Rate } from '../config-readers.js';
import type { Database } from '../db/database.js';
import { AppError } from '../errors.js';
import { createRateLimitRepository } from './repository.js';

export interface RateLimits {
  /**
   * Counts one execution.
   * @param key what is counted, e.g. `register|203.0.113.7`
   * @throws AppError RATE_LIMIT_EXCEEDED with `retryAfter` in seconds
   */
  charge(key: string, rate: Rate): Promise<void>;
  /** Removes windows that are over, in batches; returns how many. */
  clear(): Promise<number>;
}

const CLEAR_BATCH = 1000;

export function createRateLimits({ db, clock }: { db: Database; clock: Clock }): RateLimits {
  const repository = createRateLimitRepository(db.executor);
  return {
    async charge(key, { max, windowMs }) {
      const now = clock.now();
      const { count, resetsAt } = await repository.charge(key, new Date(now), new Date(now + windowMs));
      if (count <= max) return;
      const retryAfter = Math.max(1, Math.ceil((resetsAt.getTime() - now) / 1000));
      throw new AppError('RATE_LIMIT_EXCEEDED', 'Too many requests; try again later.', { retryAfter });
    },

    async clear() {
      let cleared = 0;
      for (;;) {
        const batch = await repository.deleteOver(new Date(clock.now()), CLEAR_BATCH);
        cleared += batch;
        if (batch < CLEAR_BATCH) return cleared;
      }
    },
  };
}
