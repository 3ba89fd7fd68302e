/**
 * How often a password may be tried (OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B-4 section 3.2.2). Failures count for one
 * account from one network: a few are free, then each costs a wait that doubles, up to 15 minutes. Elsewhere the owner is
 * never locked out. A budget for each network, over all accounts, meets those who try one password on many.
 */
import { createHash } from 'node:crypto';
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { Rate } from '../config-readers.js';
import { createBoundedQueue, type BoundedQueue } from '../crypto/bounded-queue.js';
import type { Database, Executor } from '../db/database.js';
import { AppError } from '../errors.js';
import type { RateLimits } from '../rate-limits/service.js';
import { createAttemptRepository, type AttemptLimits, type Budget } from './repository.js';

/** Whose password is tried. */
export interface AttemptSubject {
  /** Null where nobody has the name: it is counted all the same, so that nothing tells the two apart. */
  readonly userId: string | null;
  /** What was typed, normalised. */
  readonly name: string;
}

/** Forgets the failures before an attempt that was right, inside the transaction of what it was for. */
export type Settle = (tx: Executor) => Promise<void>;

export interface PasswordAttempts {
  /**
   * Makes one attempt, and what it was for.
   * @param prove whether the password is right; when it throws, nothing was tried
   * @param then what is done with the right password; until it settles or throws the attempt counts as a failure
   * @returns undefined when the password is wrong, which is counted and audited
   * @throws AppError RATE_LIMIT_EXCEEDED with `retryAfter` in seconds
   */
  attempt<T>(
    subject: AttemptSubject,
    client: ClientInfo,
    prove: () => Promise<boolean>,
    then: (settle: Settle) => Promise<T>,
  ): Promise<T | undefined>;
  /** Forgets an account's failures from a network, inside the transaction that proves its owner in another way. */
  forgive(tx: Executor, userId: string, client: ClientInfo): Promise<void>;
  /** Removes up to `limit` failures that are forgotten; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface PasswordAttemptsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly rateLimits: RateLimits;
  /** RATE_LIMIT_LOGIN: failures for one account from one network. */
  readonly account: Rate;
  /** RATE_LIMIT_LOGIN_ADDRESS: failures from one network, over all accounts. */
  readonly network: Rate;
}

const FIRST_DELAY_MS = 30_000;
const MAX_DELAY_MS = 900_000;
/** Attempts of one account from one network that may wait for their turn in this process. */
const MAX_WAITING = 100;

export function createPasswordAttempts(options: PasswordAttemptsOptions): PasswordAttempts {
  const { db, clock, audit, rateLimits, account, network } = options;
  const repository = createAttemptRepository(db.executor);
  const limits: AttemptLimits = { ...account, firstDelayMs: FIRST_DELAY_MS, maxDelayMs: MAX_DELAY_MS };
  const inTurn = createTurns(Math.max(1, account.max - 1));
  /** Attempts that run, by network. */
  const running = new Map<string, number>();

  async function charge(key: string, budget: Budget): Promise<number> {
    const now = clock.now();
    const failures = await repository.charge(key, now, limits, budget);
    if (failures !== undefined) return failures;
    // Refused by the one or by the other; both at once are the network's.
    await rateLimits.assertBelow(budget.key, network, budget.held);
    const until = (await repository.blockedUntil(key))?.getTime() ?? now;
    throw tooMany(Math.max(1, Math.ceil((until - now) / 1000)));
  }

  async function recordFailure({ userId }: AttemptSubject, client: ClientInfo, failures: number): Promise<void> {
    const failed = { type: 'login.failed', userId, actorId: null, client } as const;
    const throttled = { ...failed, type: 'login.throttled', detail: `${failures} failures` } as const;
    // Told once for each wait, when it begins: refusals in it may be as many as an attacker likes.
    const entries = failures < account.max ? [failed] : [failed, throttled];
    await db.together((tx) => Promise.all(entries.map((entry) => audit.record(tx, entry))));
  }

  /**
   * The budget of a network. Who logs in rightly does not spend it: attempts that run are held against it here, and only
   * those that fail are written down. Instances can so run past it by as many as run at once.
   */
  async function withinBudget<T>(
    client: ClientInfo,
    work: (budget: Budget) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { network: from } = client;
    const key = `password|${from}`;
    const held = running.get(from) ?? 0;
    running.set(from, held + 1);
    try {
      const done = await work({ key, max: network.max, held });
      // Told when the budget is used up: what is refused then is not counted.
      if (done === undefined)
        await rateLimits.count(key, { ...network, max: network.max - 1 }, { userId: null, client });
      return done;
    } finally {
      const left = running.get(from)! - 1;
      if (left > 0) running.set(from, left);
      else running.delete(from);
    }
  }

  /** @returns undefined when the password is wrong */
  async function attempt<T>(
    subject: AttemptSubject,
    client: ClientInfo,
    budget: Budget,
    prove: () => Promise<boolean>,
    then: (settle: Settle) => Promise<T>,
  ): Promise<T | undefined> {
    const key = keyOf(subject, client);
    const failures = await charge(key, budget);
    try {
      if (await prove()) return await then((tx) => createAttemptRepository(tx).forget(key));
    } catch (error) {
      // Not proven either way, or right and turned away for another reason: whoever it was may come again.
      await repository.refund(key).catch(() => undefined);
      throw error;
    }
    await recordFailure(subject, client, failures);
    return undefined;
  }

  return {
    attempt: (subject, client, prove, then) =>
      inTurn(keyOf(subject, client), () =>
        withinBudget(client, (budget) => attempt(subject, client, budget, prove, then)),
      ),

    forgive: (tx, userId, client) => createAttemptRepository(tx).forget(keyOf({ userId, name: '' }, client)),

    clear: (tx, limit) => createAttemptRepository(tx).deleteExpired(new Date(clock.now()), limit),
  };
}

/**
 * A few attempts of one key at a time: each counts as failed while it runs, and many right ones at once must not look like
 * an attack.
 */
function createTurns(concurrency: number) {
  const queues = new Map<string, BoundedQueue>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const queue = queues.get(key) ?? createBoundedQueue({ concurrency, queue: MAX_WAITING });
    queues.set(key, queue);
    try {
      return await queue.run(work);
    } finally {
      if (queue.stats().running === 0) queues.delete(key);
    }
  };
}

function keyOf({ userId, name }: AttemptSubject, client: ClientInfo): string {
  const whose = createHash('sha256')
    .update(userId ?? `name:${name}`)
    .digest('base64url');
  return `${whose}|${client.network}`;
}

function tooMany(retryAfter: number): AppError {
  return new AppError('RATE_LIMIT_EXCEEDED', 'Too many failed attempts; try again later.', { retryAfter });
}
