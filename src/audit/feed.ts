/**
 * What happens to accounts, as it happens: told that something was recorded, on whichever instance, this reads it and hands
 * it to those who follow. What is recorded together is read together, once for all of them, and one read follows the
 * other, so that order is kept. What was missed while the bus was away is read when it is back, before what comes then.
 * Who cannot be told something is told no more: nobody is left with a gap unknowingly.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.js';
import type { AccountEvent, Events } from '../events/events.js';
import { serviceUnavailable } from '../lib/errors.js';
import type { AuditRecord } from './event.js';
import { createStream, type Stream } from './stream.js';

export interface AuditFeed {
  /**
   * What happens from now on, in the order of the commits for each account, everything at most once. An event that was
   * committed just before, and has not arrived at this instance yet, is delivered too. It fails with
   * SERVICE_UNAVAILABLE when the follower is too slow or the database does not answer.
   * @param userId of this account alone; null: of all
   * @param isWanted what of it; everything if left out
   */
  subscribe(userId: string | null, isWanted?: (record: AuditRecord) => boolean): AsyncIterableIterator<AuditRecord>;
  /** How many follow, and how many ever did. */
  stats(): { readonly open: number; readonly total: number };
  /** Listens no more. */
  close(): void;
}

export interface AuditFeedOptions {
  readonly events: Pick<Events, 'listen' | 'onConnection'>;
  readonly clock: Clock;
  /** Reads records by their ids, in any order. */
  readonly read: (ids: readonly string[]) => Promise<AuditRecord[]>;
  /** Finds what was recorded since a moment, the oldest first, and no more than `limit`; of some accounts, or all. */
  readonly readSince: (
    since: Date,
    limit: number,
    userIds: readonly string[] | undefined,
  ) => Promise<readonly Pick<AuditRecord, 'id' | 'userId'>[]>;
}

interface Subscriber {
  readonly stream: Stream<AuditRecord>;
  readonly isWanted: (record: AuditRecord) => boolean;
  /** When it began to follow, in milliseconds. */
  readonly since: number;
}

interface Notification extends Pick<AccountEvent, 'auditId' | 'userId'> {
  /** It is known from catching up alone, and perhaps from before somebody followed. */
  readonly isLate?: boolean;
}

/** What may wait for one follower; records are shared, so that it costs a reference each. A burst of logins fits. */
const MAX_QUEUED = 1000;
/** Records of one statement. */
const BATCH = 200;
/** What may wait to be read: some 2 MB. */
const MAX_WAITING = 10_000;
/** Records that are caught up with; whoever missed more begins anew. */
const MAX_MISSED = 5000;
/** More accounts than that are not told apart in the statement. */
const MAX_ACCOUNTS = 1000;
/** A loss is noticed late, and what was recorded before it may have committed after it: longer than both take. */
const MARGIN_MS = 15_000;
/** Records that are not told twice, and so the most that is looked through for what was missed. */
const REMEMBERED = 20_000;

export function createAuditFeed({ events, clock, read, readSince }: AuditFeedOptions): AuditFeed {
  const subscribers = new Map<string | null, Set<Subscriber>>();
  let open = 0;
  let total = 0;
  let waiting: Notification[] = [];
  let isReading = false;
  /** When each was taken. */
  const seen = new LRUCache<string, number>({
    max: REMEMBERED,
    dispose: (takenAt) => (forgottenUntil = Math.max(forgottenUntil, takenAt)),
  });
  /** What was told until then may be told again. */
  let forgottenUntil = -Infinity;
  /** Since when events may have been missed. */
  let missedSince: number | undefined = clock.now();
  /** What comes while it is read what was missed. */
  let buffered: Notification[] | undefined;
  let catchingUp = Promise.resolve();
  let pending = 0;

  const keysOf = ({ userId }: Pick<AuditRecord, 'userId'>) => (userId === null ? [null] : [userId, null]);
  /** Those that are followed, where they are few and nobody follows all. */
  const accounts = () =>
    subscribers.has(null) || subscribers.size > MAX_ACCOUNTS
      ? undefined
      : [...subscribers.keys()].filter((id) => id !== null);
  const isSubscribed = (record: Pick<AuditRecord, 'userId'>) => keysOf(record).some((key) => subscribers.has(key));
  const allSubscribers = () => [...subscribers.values()].flatMap((set) => [...set]);
  const subscribersOf = (record: Pick<AuditRecord, 'userId'>) =>
    keysOf(record).flatMap((key) => [...(subscribers.get(key) ?? [])]);

  function fail(events: readonly Notification[], error: Error): void {
    for (const { stream } of new Set(events.flatMap(subscribersOf))) stream.fail(error);
  }

  function failAll(error: Error): void {
    for (const { stream } of allSubscribers()) stream.fail(error);
  }

  async function deliver(batch: readonly Notification[]): Promise<void> {
    try {
      const records = new Map((await read(batch.map(({ auditId }) => auditId))).map((record) => [record.id, record]));
      for (const { auditId, isLate } of batch) {
        // There is none when the transaction was lost after it was told of, or was so long ago that it is cleared.
        const record = records.get(auditId);
        if (!record) continue;
        for (const { stream, isWanted, since } of subscribersOf(record)) {
          const isFromBefore = isLate && record.createdAt.getTime() < since;
          if (!isFromBefore && isWanted(record)) stream.push(record);
        }
      }
    } catch (error) {
      fail(batch, serviceUnavailable('What happened could not be read.', 1, error));
    }
  }

  async function readAll(): Promise<void> {
    if (isReading) return;
    isReading = true;
    while (waiting.length > 0) await deliver(waiting.splice(0, BATCH));
    isReading = false;
  }

  function enqueue(event: Notification): void {
    if (!isSubscribed(event) || seen.has(event.auditId)) return;
    seen.set(event.auditId, clock.now());
    waiting.push(event);
    if (waiting.length <= MAX_WAITING) return;
    fail(waiting, serviceUnavailable('More happens than can be read.'));
    waiting = [];
  }

  async function catchUp(since: number): Promise<void> {
    try {
      // Nobody is told what was recorded before the first of those who follow began.
      const all = allSubscribers();
      const first = all.reduce((earliest, follower) => Math.min(earliest, follower.since), Infinity);
      const from = Math.max(since - MARGIN_MS, first);
      const recorded = all.length === 0 ? [] : await readSince(new Date(from), REMEMBERED + 1, accounts());
      const missed = recorded.filter((record) => isSubscribed(record) && !seen.has(record.id));
      if (recorded.length > REMEMBERED || missed.length > MAX_MISSED || forgottenUntil >= from) {
        throw new Error('More was missed than is caught up with.');
      }
      // Of what is told live as well, those hear who follow now: it committed after they began, whenever it was stamped.
      const live = new Set(buffered?.map(({ auditId }) => auditId));
      for (const { id, userId } of missed) enqueue({ auditId: id, userId, isLate: !live.has(id) });
    } catch (error) {
      failAll(serviceUnavailable('What happened meanwhile could not be read.', 1, error));
    }
    pending -= 1;
    if (pending > 0) return;
    const later = buffered ?? [];
    buffered = undefined;
    later.forEach(enqueue);
    void readAll();
  }

  const stopListening = events.listen((event) => {
    if (!buffered) {
      enqueue(event);
      void readAll();
    } else if (buffered.length < MAX_WAITING) buffered.push(event);
    else failAll(serviceUnavailable('More happens than can be read.'));
  });
  const stopWatching = events.onConnection((connected, lostSince = clock.now()) => {
    if (!connected) {
      missedSince = Math.min(missedSince ?? lostSince, lostSince);
      return;
    }
    const since = missedSince;
    missedSince = undefined;
    if (since === undefined) return;
    pending += 1;
    buffered ??= [];
    catchingUp = catchingUp.then(() => catchUp(since));
  });

  return {
    subscribe(userId, isWanted = () => true) {
      const set = subscribers.get(userId) ?? new Set();
      subscribers.set(userId, set);
      const tooSlow = () => serviceUnavailable('More happened than was read.');
      const stream = createStream<AuditRecord>(MAX_QUEUED, tooSlow, () => {
        open -= 1;
        set.delete(follower);
        if (set.size === 0) subscribers.delete(userId);
      });
      const follower: Subscriber = { stream, isWanted, since: clock.now() };
      set.add(follower);
      open += 1;
      total += 1;
      return stream.items;
    },
    stats: () => ({ open, total }),
    close() {
      stopListening();
      stopWatching();
    },
  };
}
