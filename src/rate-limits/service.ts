/** Fixed-window rate limits in the database: they survive restarts and are shared by all instances. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Rate } from '../config/readers.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import { createRateLimitRepository } from './repository.js';

/** The account and client to audit for a rejection. */
export interface Charged {
  readonly userId: string | null;
  /** The account that acted; defaults to `userId`. */
  readonly actorId?: null;
  readonly client: ClientInfo;
}

/** A window that must have room left. */
export interface Budget {
  readonly key: string;
  readonly rate: Rate;
  /** Running executions that may still be counted. */
  readonly pending: number;
}

export interface RateLimits {
  /**
   * Counts one execution. Audits the first rejection of a window.
   * @param key the counter, e.g. `Mutation.register|203.0.113.7`; the part before the first bar goes to the audit log
   * @throws AppError RATE_LIMIT_EXCEEDED with `retryAfter` in seconds
   */
  charge(key: string, rate: Rate, charged: Charged): Promise<void>;
  /**
   * Counts and audits nothing.
   * @throws AppError RATE_LIMIT_EXCEEDED if a limit is reached, or would be if all pending executions count
   */
  assertBelow(budgets: readonly Budget[]): Promise<void>;
  /** As `charge`, but returns whether the execution is within the limit. */
  count(key: string, rate: Rate, charged: Charged): Promise<boolean>;
  /** Deletes up to `limit` expired windows; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface RateLimitsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
}

export function createRateLimits({ db, clock, audit }: RateLimitsOptions): RateLimits {
  const repository = createRateLimitRepository(db.executor);
  const charge = (key: string, { windowMs }: Rate) => {
    const now = clock.now();
    return repository.charge(key, new Date(now), new Date(now + windowMs));
  };
  /** Audits only the first rejection of a window, because an attacker can cause any number. */
  async function auditFirstRejection(key: string, { max }: Rate, count: number, { userId, actorId, client }: Charged) {
    if (count !== max + 1) return;
    const detail = key.split('|', 1)[0]!;
    await db.transaction((tx) =>
      audit.record(tx, {
        type: 'request.throttled',
        userId,
        ...(actorId === undefined ? {} : { actorId }),
        client,
        detail,
      }),
    );
  }
  const rateLimitExceeded = (resetsAt: Date) => {
    const retryAfter = Math.max(1, Math.ceil((resetsAt.getTime() - clock.now()) / 1000));
    return new AppError('RATE_LIMIT_EXCEEDED', 'Too many requests; try again later.', { retryAfter });
  };

  return {
    async charge(key, rate, charged) {
      const { count, resetsAt } = await charge(key, rate);
      await auditFirstRejection(key, rate, count, charged);
      if (count > rate.max) throw rateLimitExceeded(resetsAt);
    },

    async assertBelow(budgets) {
      const windows = await repository.findMany(
        budgets.map(({ key }) => key),
        new Date(clock.now()),
      );
      for (const { key, rate, pending } of budgets) {
        const window = windows.get(key);
        const count = window?.count ?? 0;
        if (window && count >= rate.max) throw rateLimitExceeded(window.resetsAt);
        // The running executions finish soon: retry after a second.
        if (count + pending >= rate.max) throw rateLimitExceeded(new Date(clock.now()));
      }
    },

    async count(key, rate, charged) {
      const { count } = await charge(key, rate);
      await auditFirstRejection(key, rate, count, charged);
      return count <= rate.max;
    },

    clear: (tx, limit) => createRateLimitRepository(tx).deleteExpired(new Date(clock.now()), limit),
  };
}
