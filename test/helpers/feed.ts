/** The audit feed without events and a database. */
import t from 'tap';
import type { AuditRecord } from '../../src/audit/event.js';
import { createAuditFeed } from '../../src/audit/feed.js';
import type { AccountEvent, ConnectionListener } from '../../src/events/events.js';
import { testClock } from './clock.js';

/** A feed of records that the test creates. Each read waits until the test releases it. */
export function feedSetup() {
  let listener: (event: AccountEvent) => void = () => t.fail('nobody listens');
  let watcher: ConnectionListener = () => t.fail('nobody watches');
  const clock = testClock();
  /** The stored events: ids in order, and the times of their recording. */
  const recorded: { id: string; at: number }[] = [];
  let catchingUp: (() => Promise<void>) | undefined;
  const reads: { ids: readonly string[]; finish(error?: Error): void }[] = [];
  const missing = new Set<string>();
  /** The start time of each catch-up read. */
  const sinces: number[] = [];
  const record = (id: string) => {
    const createdAt = new Date(recorded.find((each) => each.id === id)?.at ?? clock.now());
    return { id, userId: id.split(':')[0] || null, type: 'test', createdAt } as AuditRecord;
  };
  const feed = createAuditFeed({
    events: {
      listen: (added) => {
        listener = added;
        return () => (listener = () => undefined);
      },
      onConnection: (added) => {
        watcher = added;
        return () => (watcher = () => undefined);
      },
    },
    clock,
    async readSince(since, limit, userIds) {
      sinces.push(since.getTime());
      await catchingUp?.();
      const found = recorded
        .filter(({ id, at }) => at >= since.getTime() && (!userIds || userIds.includes(id.split(':')[0]!)))
        .slice(0, limit);
      return found.map(({ id }) => ({ id, userId: id.split(':')[0] || null }));
    },
    read: (ids) =>
      new Promise((resolve, reject) => {
        const found = ids.filter((id) => !missing.has(id)).map(record);
        reads.push({ ids, finish: (error) => (error ? reject(error) : resolve(found.reverse())) });
      }),
  });
  return {
    feed,
    reads,
    missing,
    clock,
    watch: (connected: boolean, lostSince?: number) => watcher(connected, lostSince),
    sinces,
    /** Stores an event without publishing it. */
    recordSilently: (...ids: string[]) => void recorded.push(...ids.map((id) => ({ id, at: clock.now() }))),
    /** Runs before each catch-up read. */
    onCatchUp: (work: () => Promise<void>) => (catchingUp = work),
    dispatch: (...ids: string[]) => {
      for (const auditId of ids) listener({ auditId, userId: auditId.split(':')[0] || null, sessionId: null });
    },
    /** Releases all reads, also later ones. */
    async readAll() {
      for (let done = 0; done < reads.length; done += 1) {
        reads[done]!.finish();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

/** The ids of the next `count` events. */
export async function take(stream: AsyncIterator<AuditRecord>, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(((await stream.next()).value as AuditRecord).id);
  return ids;
}
