/**
 * Live audit events. The feed receives the ids of recorded events from every instance, reads the events in batches and
 * delivers them to subscribers. Batches run one after the other, which keeps the order. After an outage of the event
 * connection, the feed reads missed events from the database before it delivers new ones. A subscription ends with an error
 * if delivery fails, so no subscriber misses an event unknowingly.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.js';
import type { AccountEvent, Events } from '../events/events.js';
import { serviceUnavailable } from '../lib/errors.js';
import type { AuditRecord } from './event.js';
import { createStream, type Stream } from './stream.js';

export interface AuditFeed {
  /**
   * Delivers events from now on, each at most once, in commit order for each account. It also delivers an event that was
   * committed just before the call but has not reached this instance yet. The iterator fails with SERVICE_UNAVAILABLE if
   * the subscriber is too slow or the database is unavailable.
   * @param userId the account; null for all accounts
   * @param isWanted filters events; accepts all by default
   */
  subscribe(userId: string | null, isWanted?: (record: AuditRecord) => boolean): AsyncIterableIterator<AuditRecord>;
  /** The number of open subscriptions, and of all since the start. */
  stats(): { readonly open: number; readonly total: number };
  /** Stops listening for events. */
  close(): void;
}

export interface AuditFeedOptions {
  readonly events: Pick<Events, 'listen' | 'onConnection'>;
  readonly clock: Clock;
  /** Reads records by their ids, in any order. */
  readonly read: (ids: readonly string[]) => Promise<AuditRecord[]>;
  /** Finds up to `limit` events since `since`, oldest first, of the given accounts or of all. */
  readonly readSince: (
    since: Date,
    limit: number,
    userIds: readonly string[] | undefined,
  ) => Promise<readonly Pick<AuditRecord, 'id' | 'userId'>[]>;
}

interface Subscriber {
  readonly stream: Stream<AuditRecord>;
  readonly isWanted: (record: AuditRecord) => boolean;
  /** Start of the subscription, in milliseconds. */
  readonly since: number;
}

interface Notification extends Pick<AccountEvent, 'auditId' | 'userId'> {
  /** Found by catching up only. The event may predate a subscription. */
  readonly isLate?: boolean;
}

/** Events queued for one subscriber. Subscribers share records, so each costs one reference. Fits a burst of logins. */
const MAX_QUEUED = 1000;
/** Events read in one statement. */
const BATCH = 200;
/** Notifications that wait to be read, about 2 MB. */
const MAX_WAITING = 10_000;
/** Events that one catch-up delivers. Subscriptions that missed more end. */
const MAX_MISSED = 5000;
/** With more accounts, the catch-up statement reads the events of all accounts. */
const MAX_ACCOUNTS = 1000;
/** Covers the delay until an outage is noticed, and transactions that commit after it with an earlier timestamp. */
const MARGIN_MS = 15_000;
/** Delivered events that are remembered for deduplication, which also bounds what a catch-up can check. */
const MAX_SEEN = 20_000;

export function createAuditFeed({ events, clock, read, readSince }: AuditFeedOptions): AuditFeed {
  const subscribers = new Map<string | null, Set<Subscriber>>();
  let open = 0;
  let total = 0;
  let waiting: Notification[] = [];
  let isReading = false;
  /** Event id → time of arrival. */
  const seen = new LRUCache<string, number>({
    max: MAX_SEEN,
    dispose: (arrivedAt) => (forgottenUntil = Math.max(forgottenUntil, arrivedAt)),
  });
  /** Events that arrived up to this time can no longer be deduplicated. */
  let forgottenUntil = -Infinity;
  /** Start of the outage whose events were not read yet. */
  let missedSince: number | undefined = clock.now();
  /** Notifications that arrive during a catch-up. */
  let buffered: Notification[] | undefined;
  let catchingUp = Promise.resolve();
  let pending = 0;

  const keysOf = ({ userId }: Pick<AuditRecord, 'userId'>) => (userId === null ? [null] : [userId, null]);
  /** The accounts to catch up for; undefined means all. */
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
        // Missing if the transaction was lost after its notification, or if the event is past its retention.
        const record = records.get(auditId);
        if (!record) continue;
        for (const { stream, isWanted, since } of subscribersOf(record)) {
          const predatesSubscription = isLate && record.createdAt.getTime() < since;
          if (!predatesSubscription && isWanted(record)) stream.push(record);
        }
      }
    } catch (error) {
      fail(batch, serviceUnavailable('Reading audit events failed; try again.', 1, error));
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
    fail(waiting, serviceUnavailable('Too many audit events to read; try again.'));
    waiting = [];
  }

  async function catchUp(since: number): Promise<void> {
    try {
      // Events from before the oldest subscription are not needed.
      const all = allSubscribers();
      const first = all.reduce((earliest, subscriber) => Math.min(earliest, subscriber.since), Infinity);
      const from = Math.max(since - MARGIN_MS, first);
      const recorded = all.length === 0 ? [] : await readSince(new Date(from), MAX_SEEN + 1, accounts());
      const missed = recorded.filter((record) => isSubscribed(record) && !seen.has(record.id));
      if (recorded.length > MAX_SEEN || missed.length > MAX_MISSED || forgottenUntil >= from) {
        throw new Error('too many missed audit events');
      }
      // An event that also arrived live committed after all current subscriptions began, whatever its timestamp says.
      const live = new Set(buffered?.map(({ auditId }) => auditId));
      for (const { id, userId } of missed) enqueue({ auditId: id, userId, isLate: !live.has(id) });
    } catch (error) {
      failAll(serviceUnavailable('Reading missed audit events failed; try again.', 1, error));
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
    else failAll(serviceUnavailable('Too many audit events to read; try again.'));
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
      const tooSlow = () => serviceUnavailable('The subscriber reads too slowly.');
      const stream = createStream<AuditRecord>(MAX_QUEUED, tooSlow, () => {
        open -= 1;
        set.delete(subscriber);
        if (set.size === 0) subscribers.delete(userId);
      });
      const subscriber: Subscriber = { stream, isWanted, since: clock.now() };
      set.add(subscriber);
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
