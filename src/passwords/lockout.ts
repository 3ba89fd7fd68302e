/**
 * How often a password may be tried. A few failures are free, then each costs a wait that doubles, up to 15 minutes:
 * counted by what was typed and by network, in steps, so that a wide network has no more than a few addresses' room. 100
 * failures in a row at one account, from anywhere, make its password worthless for logins until its mailbox has proven
 * the owner (NIST SP 800-63B-4 section 3.2.2). A device that the account signed in from has a budget of its own, which
 * strangers cannot use up. A budget for each network, over all accounts, meets those who try one password on many.
 */
import type { Audit } from '../audit/audit.js';
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Rate } from '../config/readers.js';
import { createBoundedQueue, type BoundedQueue } from '../crypto/bounded-queue.js';
import type { Database, Executor } from '../db/database.js';
import type { RateLimits } from '../rate-limits/service.js';
import { createCharges, type Charge } from './charges.js';
import { accountKey, countersOf, deviceCounters, sharesOf, waitKeys, type AttemptSubject } from './counters.js';
import type { KnownDevices } from '../known-devices/service.js';
import { createAttemptRepository } from './repository.js';

/** One verification of a password. It is charged as a failure before it begins. */
export interface PasswordAttempt {
  /** The account needs a proof by mail: even the right password must be refused. */
  readonly isLocked: boolean;
  /** Keeps the charge, and audits the failure. */
  recordFailure(): Promise<void>;
  /** Forgets the charge and the failures before it, inside the transaction of what the password was verified for. */
  resetFailures(tx: Executor): Promise<void>;
}

export interface Lockout {
  /**
   * Charges an attempt, then runs `work`, which verifies the password and records the result. If `work` throws without having
   * recorded a failure, nothing was decided and the charge is refunded.
   * @throws AppError RATE_LIMIT_EXCEEDED with `retryAfter` in seconds; SERVICE_UNAVAILABLE
   */
  attempt<T>(subject: AttemptSubject, client: ClientInfo, work: (attempt: PasswordAttempt) => Promise<T>): Promise<T>;
  /**
   * Forgets an account's failures with its names from a network, and its consecutive failures from anywhere, inside the
   * transaction that proves its owner by mail.
   */
  reset(tx: Executor, userId: string, names: readonly string[], client: ClientInfo): Promise<void>;
  /** Removes, inside the caller's transaction, what is counted for accounts that are purged. */
  purge(tx: Executor, userIds: readonly string[]): Promise<void>;
  /** Removes up to `limit` expired counters; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface LockoutOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly rateLimits: RateLimits;
  readonly devices: Pick<KnownDevices, 'accountsOf' | 'forget'>;
  /** Called inside the transaction that notes that an account reached the ceiling. */
  readonly onLocked: (tx: Executor, userId: string, client: ClientInfo) => Promise<void>;
  /** RATE_LIMIT_LOGIN: failures for one account from one address. */
  readonly account: Rate;
  /** RATE_LIMIT_LOGIN_ADDRESS: failures from one address, over all accounts. */
  readonly network: Rate;
}

/** Attempts with one name that may wait for their turn in this process. */
const MAX_WAITING = 100;
/** Two, so that right passwords at once, on two instances, do not look like an attack with the default of five. */
const MAX_VERIFYING = 2;

export function createLockout(options: LockoutOptions): Lockout {
  const { db, clock, audit, rateLimits, devices, onLocked, account, network } = options;
  const repository = createAttemptRepository(db.executor);
  const charge = createCharges({ db, clock });
  const inTurn = createAttemptQueues();
  /** Attempts that run, by network. */
  const running = new Map<string, number>();

  /** What reaching the ceiling entails, by whose ceiling it is. */
  async function onCeiling(tx: Executor, { userId, sessionId }: AttemptSubject, client: ClientInfo, isKnown: boolean) {
    if (userId === null) return;
    if (isKnown) return devices.forget(tx, userId, client.device!);
    if (sessionId === undefined) await onLocked(tx, userId, client);
  }

  async function recordFailure(subject: AttemptSubject, client: ClientInfo, charged: Charge, isKnown: boolean) {
    const { failures, beginsWait, isLocked, reachesCeiling } = charged;
    const failed = { type: 'login.failed', userId: subject.userId, actorId: null, client } as const;
    const throttled = { ...failed, type: 'login.throttled', detail: `${failures} failures` } as const;
    // Recorded once for each wait, when it begins: refusals in it may be as many as an attacker likes.
    const entries = [isLocked ? { ...failed, detail: 'locked' } : failed, ...(beginsWait ? [throttled] : [])];
    if (!reachesCeiling) {
      await db.transaction((tx) => Promise.all(entries.map((entry) => audit.record(tx, entry))));
      return;
    }
    await db.transaction(async (tx) => {
      for (const entry of entries) await audit.record(tx, entry);
      await onCeiling(tx, subject, client, isKnown);
    });
  }

  /**
   * The budgets of the client's networks. A successful login does not spend them: running attempts are held against them in
   * this process, and only failures are stored. Instances can exceed them together by as many attempts as run at once.
   * @param work given what counts a failure
   */
  async function withinBudgets<T>(client: ClientInfo, work: (count: () => Promise<void>) => Promise<T>): Promise<T> {
    const budgets = sharesOf(client.ipAddress).map((share) => ({
      key: `password|${share.network}`,
      rate: { ...network, max: network.max * share.share },
      held: running.get(`password|${share.network}`) ?? 0,
    }));
    for (const { key, held } of budgets) running.set(key, held + 1);
    async function count(): Promise<void> {
      // Audited when the budget is used up: what is refused then is not counted.
      for (const { key, rate } of budgets)
        await rateLimits.count(key, { ...rate, max: rate.max - 1 }, { userId: null, client });
    }
    try {
      await rateLimits.assertBelow(budgets);
      return await work(count);
    } finally {
      for (const { key } of budgets) {
        const left = running.get(key)! - 1;
        if (left > 0) running.set(key, left);
        else running.delete(key);
      }
    }
  }

  async function charged<T>(
    subject: AttemptSubject,
    client: ClientInfo,
    isKnown: boolean,
    countFailure: () => Promise<void>,
    work: (attempt: PasswordAttempt) => Promise<T>,
  ): Promise<T> {
    const counters = isKnown
      ? deviceCounters(subject.userId!, client.device!, account)
      : countersOf(subject, client, account);
    const charged = await charge(counters);
    const outcome = { hasFailed: false };
    try {
      return await work({
        isLocked: charged.isLocked,
        async recordFailure() {
          outcome.hasFailed = true;
          await recordFailure(subject, client, charged, isKnown);
          await countFailure();
        },
        resetFailures: (tx) => createAttemptRepository(tx).forget(charged.keys),
      });
    } catch (error) {
      if (!outcome.hasFailed) await repository.refund(charged.keys).catch(() => undefined);
      throw error;
    }
  }

  return {
    async attempt(subject, client, work) {
      const { userId, names } = subject;
      // Read for unknown accounts as well, so that the time does not tell.
      const known = client.device === undefined ? undefined : await devices.accountsOf(client.device);
      const isKnown = userId !== null && known?.has(userId) === true;
      if (isKnown) {
        const uncounted = async () => undefined;
        return inTurn(`device ${userId} ${client.device}`, '', () => charged(subject, client, true, uncounted, work));
      }
      const from = widestNetwork(client.ipAddress);
      const run = () => withinBudgets(client, (count) => charged(subject, client, false, count, work));
      return inTurn(names.join(' '), from, run);
    },

    reset: (tx, userId, names, client) =>
      createAttemptRepository(tx).forget([accountKey(userId), ...waitKeys({ names }, client).map(({ key }) => key)]),

    purge: (tx, userIds) => createAttemptRepository(tx).forget(userIds.map(accountKey)),

    clear: (tx, limit) => createAttemptRepository(tx).deleteExpired(new Date(clock.now()), limit),
  };
}

/**
 * A few attempts of one key at a time: each counts as failed while it runs, and many right ones at once must not look like
 * an attack. Networks take turns, so that none keeps the owner out.
 */
function createAttemptQueues() {
  const queues = new Map<string, BoundedQueue>();
  return async <T>(key: string, from: string, work: () => Promise<T>): Promise<T> => {
    const queue = queues.get(key) ?? createBoundedQueue({ concurrency: MAX_VERIFYING, queue: MAX_WAITING });
    queues.set(key, queue);
    try {
      return await queue.run(work, from);
    } finally {
      if (queue.stats().running === 0) queues.delete(key);
    }
  };
}
