/**
 * What happens to accounts, as it happens: told that something was recorded, on whichever instance, this reads it and hands
 * it to those who follow. What is recorded together is read together, once for all of them, and one read follows the
 * other, so that order is kept. Who cannot be told something is told no more: nobody is left with a gap unknowingly.
 */
import type { AccountEvent, Events } from '../events/events.js';
import { serviceUnavailable } from '../errors.js';
import type { AuditRecord } from './event.js';
import { createStream, type Stream } from './stream.js';

export interface AuditFeed {
  /**
   * What happens from now on, in the order of the commits for each account, everything at most once. It fails with
   * SERVICE_UNAVAILABLE when the follower is too slow or the database does not answer.
   * @param userId of this account alone; null: of all
   * @param isWanted what of it; everything if left out
   */
  follow(userId: string | null, isWanted?: (record: AuditRecord) => boolean): AsyncIterableIterator<AuditRecord>;
  /** How many follow, and how many ever did. */
  stats(): { readonly open: number; readonly total: number };
  /** Listens no more. */
  close(): void;
}

export interface AuditFeedOptions {
  readonly events: Pick<Events, 'listen'>;
  /** Reads records by their ids, in any order. */
  readonly read: (ids: readonly string[]) => Promise<AuditRecord[]>;
}

interface Follower {
  readonly stream: Stream<AuditRecord>;
  readonly isWanted: (record: AuditRecord) => boolean;
}

/** What may wait for one follower; records are shared, so that it costs a reference each. A burst of logins fits. */
const MAX_QUEUED = 1000;
/** Records of one statement. */
const BATCH = 200;
/** What may wait to be read: some 2 MB. */
const MAX_WAITING = 10_000;

export function createAuditFeed({ events, read }: AuditFeedOptions): AuditFeed {
  const followers = new Map<string | null, Set<Follower>>();
  let open = 0;
  let total = 0;
  let waiting: AccountEvent[] = [];
  let isReading = false;

  const keysOf = ({ userId }: Pick<AuditRecord, 'userId'>) => (userId === null ? [null] : [userId, null]);
  const followersOf = (record: Pick<AuditRecord, 'userId'>) =>
    keysOf(record).flatMap((key) => [...(followers.get(key) ?? [])]);

  function fail(events: readonly AccountEvent[], error: Error): void {
    for (const { stream } of new Set(events.flatMap(followersOf))) stream.fail(error);
  }

  async function tell(batch: readonly AccountEvent[]): Promise<void> {
    try {
      const records = new Map((await read(batch.map(({ auditId }) => auditId))).map((record) => [record.id, record]));
      for (const { auditId } of batch) {
        // There is none when the transaction was lost after it was told of, or was so long ago that it is cleared.
        const record = records.get(auditId);
        if (!record) continue;
        for (const { stream, isWanted } of followersOf(record)) if (isWanted(record)) stream.push(record);
      }
    } catch (error) {
      fail(batch, serviceUnavailable('What happened could not be read.', 1, error));
    }
  }

  async function readAll(): Promise<void> {
    if (isReading) return;
    isReading = true;
    while (waiting.length > 0) await tell(waiting.splice(0, BATCH));
    isReading = false;
  }

  const stopListening = events.listen((event) => {
    if (!keysOf(event).some((key) => followers.has(key))) return;
    waiting.push(event);
    if (waiting.length > MAX_WAITING) {
      fail(waiting, serviceUnavailable('More happens than can be read.'));
      waiting = [];
    }
    void readAll();
  });

  return {
    follow(userId, isWanted = () => true) {
      const set = followers.get(userId) ?? new Set();
      followers.set(userId, set);
      const tooSlow = () => serviceUnavailable('More happened than was read.');
      const stream = createStream<AuditRecord>(MAX_QUEUED, tooSlow, () => {
        open -= 1;
        set.delete(follower);
        if (set.size === 0) followers.delete(userId);
      });
      const follower: Follower = { stream, isWanted };
      set.add(follower);
      open += 1;
      total += 1;
      return stream.items;
    },
    stats: () => ({ open, total }),
    close: stopListening,
  };
}
