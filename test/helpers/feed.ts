/** The audit's feed without a bus or a database. */
import t from 'tap';
import type { AuditRecord } from '../../src/audit/event.js';
import { createAuditFeed } from '../../src/audit/feed.js';
import type { AccountEvent, ConnectionListener } from '../../src/events/events.js';
import { testClock } from './clock.js';

/** A feed over records that tests make; each read waits until it is let through. */
export function feedSetup() {
  let listener: (event: AccountEvent) => void = () => t.fail('nobody listens');
  let watcher: ConnectionListener = () => t.fail('nobody watches');
  const clock = testClock();
  /** What the audit holds: ids in their order, and when they were recorded. */
  const recorded: { id: string; at: number }[] = [];
  let catchingUp: (() => Promise<void>) | undefined;
  const reads: { ids: readonly string[]; settle(error?: Error): void }[] = [];
  const missing = new Set<string>();
  /** Since when each catching up read. */
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
        reads.push({ ids, settle: (error) => (error ? reject(error) : resolve(found.reverse())) });
      }),
  });
  return {
    feed,
    reads,
    missing,
    clock,
    watch: (connected: boolean, lostSince?: number) => watcher(connected, lostSince),
    sinces,
    /** Records without a word to anybody. */
    recordSilently: (...ids: string[]) => void recorded.push(...ids.map((id) => ({ id, at: clock.now() }))),
    /** What each catching up does first. */
    onCatchUp: (work: () => Promise<void>) => (catchingUp = work),
    tell: (...ids: string[]) => {
      for (const auditId of ids) listener({ auditId, userId: auditId.split(':')[0] || null, sessionId: null });
    },
    /** Lets all reads through, those too that begin then. */
    async readAll() {
      for (let done = 0; done < reads.length; done += 1) {
        reads[done]!.settle();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

/** The ids of the next so many. */
export async function take(stream: AsyncIterator<AuditRecord>, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(((await stream.next()).value as AuditRecord).id);
  return ids;
}
