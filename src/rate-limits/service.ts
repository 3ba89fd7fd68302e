/** Fixed windows counted in the database: a restart does not forget them, and instances share them. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Rate } from '../config/readers.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import { createRateLimitRepository } from './repository.js';

/** Who is counted, for the audit of a refusal. */
export interface Charged {
  readonly userId: string | null;
  /** Whose doing it was; the account's own where it is left out. */
  readonly actorId?: null;
  readonly client: ClientInfo;
}

/** A window that must have room left. */
export interface Budget {
  readonly key: string;
  readonly rate: Rate;
  /** Executions that run and may come to count. */
  readonly pending: number;
}

export interface RateLimits {
  /**
   * Counts one execution. The first refusal of a window is audited.
   * @param key what is counted, e.g. `Mutation.register|203.0.113.7`; up to the first bar it says what for
   * @throws AppError RATE_LIMIT_EXCEEDED with `retryAfter` in seconds
   */
  charge(key: string, rate: Rate, charged: Charged): Promise<void>;
  /**
   * Counts and audits nothing.
   * @throws AppError RATE_LIMIT_EXCEEDED when a limit is reached, or would be if what is held comes to count
   */
  assertBelow(budgets: readonly Budget[]): Promise<void>;
  /** As `charge`, but without a refusal: whether it is within the limit. */
  count(key: string, rate: Rate, charged: Charged): Promise<boolean>;
  /** Removes up to `limit` windows that are over; returns how many. */
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
  /** The first of a window: there may be as many as an attacker likes. */
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
        // In a moment it is known what became of them.
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
