/**
 * Limits password guessing.
 *
 * - Waits: after a few failures, each further one doubles a wait of up to 15 minutes. Counted by identifier and by client
 *   network at several prefix lengths, so a large network gets the budget of only a few addresses.
 * - Lockout: after 100 consecutive failures from anywhere, the account's password no longer works for logins until the owner
 *   resets it by email (NIST SP 800-63B-4 section 3.2.2).
 * - Second steps of sign-ins have a ceiling of their own, because strangers can reach the one of the password.
 * - Known devices have a budget of their own, which other clients cannot exhaust.
 * - Password spraying: each network has a budget across all accounts.
 */
import type { Audit, AuditEntry } from '../audit/audit.js';
import { widestNetwork } from '../lib/client-address.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Rate } from '../config/readers.js';
import { createBoundedQueue, type BoundedQueue } from '../crypto/bounded-queue.js';
import type { Database, Executor } from '../db/database.js';
import type { RateLimits } from '../rate-limits/service.js';
import { createCharges, type Charge } from './charges.js';
import { ceilingKeys, countersOf, deviceCounters, sharesOf, waitKeys, type AttemptSubject } from './counters.js';
import type { KnownDevices } from '../known-devices/service.js';
import { createAttemptRepository } from './repository.js';

/** One password verification. It is charged as a failure in advance. */
export interface PasswordAttempt {
  /** The account is locked: reject even the right password. */
  readonly isLocked: boolean;
  /** Keeps the charge, and audits the failure; by default as a wrong password. */
  recordFailure(failure?: Pick<AuditEntry, 'type' | 'detail'>): Promise<void>;
  /** Resets the failures, in the transaction of the operation that needed the password. */
  resetFailures(tx: Executor): Promise<void>;
  /** Takes the charge back and keeps earlier failures, when the password was right and a second factor is still needed. */
  refund(): Promise<void>;
}

export interface Lockout {
  /**
   * Charges an attempt, then runs `work`, which verifies the password and records the result. If `work` throws without
   * recording a failure, the charge is refunded.
   * @throws AppError RATE_LIMIT_EXCEEDED with `retryAfter` in seconds; SERVICE_UNAVAILABLE
   */
  attempt<T>(subject: AttemptSubject, client: ClientInfo, work: (attempt: PasswordAttempt) => Promise<T>): Promise<T>;
  /**
   * Resets the failures of an account from the client's networks, and its consecutive failures, in the transaction that
   * authenticates the owner by email.
   */
  reset(tx: Executor, userId: string, names: readonly string[], client: ClientInfo): Promise<void>;
  /** Deletes the counters of purged accounts in the caller's transaction. */
  purge(tx: Executor, userIds: readonly string[]): Promise<void>;
  /** Deletes up to `limit` expired counters; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

/** What no longer works after too many consecutive failures. */
export type LockedCredential = 'password' | 'second factor';

export interface LockoutOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly rateLimits: RateLimits;
  readonly devices: Pick<KnownDevices, 'accountsOf' | 'forget'>;
  /** Called in the transaction that locks an account. */
  readonly onLocked: (tx: Executor, userId: string, client: ClientInfo, what: LockedCredential) => Promise<void>;
  /** RATE_LIMIT_LOGIN: failures for one account from one address. */
  readonly account: Rate;
  /** RATE_LIMIT_LOGIN_ADDRESS: failures from one address across all accounts. */
  readonly network: Rate;
}

/** Attempts with one identifier that may wait in this process. */
const MAX_WAITING = 100;
/** Low enough that concurrent right passwords on two instances stay below the default limit of five failures. */
const MAX_VERIFYING = 2;

export function createLockout(options: LockoutOptions): Lockout {
  const { db, clock, audit, rateLimits, devices, onLocked, account, network } = options;
  const repository = createAttemptRepository(db.executor);
  const charge = createCharges({ db, clock });
  const runQueued = createAttemptQueues();
  /** Running attempts by network. */
  const running = new Map<string, number>();

  /** Forgets the known device, or locks the account, depending on which ceiling was reached. */
  async function onCeiling(
    tx: Executor,
    { userId, sessionId, isSecondStep }: AttemptSubject,
    client: ClientInfo,
    isKnown: boolean,
  ) {
    if (userId === null) return;
    if (isKnown) return devices.forget(tx, userId, client.device!);
    if (sessionId === undefined) await onLocked(tx, userId, client, isSecondStep ? 'second factor' : 'password');
  }

  async function recordFailure(
    failure: Pick<AuditEntry, 'type' | 'detail'>,
    subject: AttemptSubject,
    client: ClientInfo,
    charged: Charge,
    isKnown: boolean,
  ) {
    const { failures, beginsWait, isLocked, reachesCeiling } = charged;
    const failed = { ...failure, userId: subject.userId, actorId: null, client };
    const throttled = { ...failed, type: 'login.throttled', detail: `${failures} failures` } as const;
    // Audited once per wait, because an attacker can cause any number of rejections during it.
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
   * Runs `work` within the budgets of the client's networks. Only failures are stored, so a successful login costs nothing;
   * running attempts count against the budgets in this process. Several instances together can exceed a budget by the number
   * of attempts that run concurrently.
   * @param work receives a function that counts a failure
   */
  async function withinBudgets<T>(client: ClientInfo, work: (count: () => Promise<void>) => Promise<T>): Promise<T> {
    const budgets = sharesOf(client.ipAddress).map((share) => ({
      key: `password|${share.network}`,
      rate: { ...network, max: network.max * share.share },
      pending: running.get(`password|${share.network}`) ?? 0,
    }));
    for (const { key, pending } of budgets) running.set(key, pending + 1);
    async function count(): Promise<void> {
      // Audits the last failure within the budget, because rejections after it are not counted.
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
        async recordFailure(failure = { type: 'login.failed' }) {
          outcome.hasFailed = true;
          await recordFailure(failure, subject, client, charged, isKnown);
          await countFailure();
        },
        resetFailures: (tx) => createAttemptRepository(tx).forget([...charged.keys, ...endedStreaks(subject, isKnown)]),
        refund: () => repository.refund(charged.keys),
      });
    } catch (error) {
      if (!outcome.hasFailed) await repository.refund(charged.keys).catch(() => undefined);
      throw error;
    }
  }

  return {
    async attempt(subject, client, work) {
      const { userId, names } = subject;
      // Reads for unknown accounts as well, to keep the timing equal.
      const known = client.device === undefined ? undefined : await devices.accountsOf(client.device);
      const isKnown = userId !== null && known?.has(userId) === true;
      if (isKnown) {
        const uncounted = async () => undefined;
        return runQueued(`device ${userId} ${client.device}`, '', () =>
          charged(subject, client, true, uncounted, work),
        );
      }
      const from = widestNetwork(client.ipAddress);
      const run = () => withinBudgets(client, (count) => charged(subject, client, false, count, work));
      return runQueued(names.join(' '), from, run);
    },

    reset: (tx, userId, names, client) =>
      createAttemptRepository(tx).forget([
        ...ceilingKeys(userId),
        ...waitKeys({ names }, client).map(({ key }) => key),
      ]),

    purge: (tx, userIds) => createAttemptRepository(tx).forget(userIds.flatMap(ceilingKeys)),

    clear: (tx, limit) => createAttemptRepository(tx).deleteExpired(new Date(clock.now()), limit),
  };
}

/** The other ceilings whose consecutive failures end with a sign-in: the second step follows a right first one. */
function endedStreaks({ userId, sessionId, isSecondStep }: AttemptSubject, isKnown: boolean): readonly string[] {
  const isSignIn = sessionId === undefined && !isKnown;
  return userId !== null && isSignIn && isSecondStep ? ceilingKeys(userId) : [];
}

/**
 * Limits concurrent attempts per key. A running attempt counts as failed, so many concurrent right passwords would otherwise
 * cause a wait. Networks take turns, so no network can keep the owner out.
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
