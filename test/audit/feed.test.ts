import t from 'tap';
import type { AuditRecord } from '../../src/audit/event.js';
import { createAuditFeed } from '../../src/audit/feed.js';
import type { AccountEvent, ConnectionListener } from '../../src/events/events.js';
import { testClock } from '../helpers/clock.js';

/** A feed over records that tests make; each read waits until it is let through. */
function setup() {
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
    async readSince(since, limit) {
      sinces.push(since.getTime());
      await catchingUp?.();
      const found = recorded.filter(({ at }) => at >= since.getTime()).slice(0, limit);
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

async function take(stream: AsyncIterator<AuditRecord>, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push(((await stream.next()).value as AuditRecord).id);
  return ids;
}

t.test(
  'what happens at once is read in one statement for all who follow, in order however it comes back',
  async (t) => {
    const { feed, reads, tell, readAll } = setup();
    const [mine, again, all] = [feed.follow('a'), feed.follow('a'), feed.follow(null)];
    tell('a:1', 'b:1', 'a:2', ':1', 'a:3');
    await readAll();
    t.same(
      reads.map(({ ids }) => ids),
      [['a:1'], ['b:1', 'a:2', ':1', 'a:3']],
    );
    t.same(await take(mine, 3), ['a:1', 'a:2', 'a:3']);
    t.same(await take(again, 3), ['a:1', 'a:2', 'a:3']);
    t.same(await take(all, 5), ['a:1', 'b:1', 'a:2', ':1', 'a:3']);
  },
);

t.test('nothing is read for nobody', async (t) => {
  const { feed, reads, tell } = setup();
  tell('a:1');
  const stream = feed.follow('b');
  tell('a:2');
  await stream.return!();
  tell('b:1');
  t.same([reads.length, feed.stats()], [0, { open: 0, total: 1 }]);
  t.same(await stream.next(), { done: true, value: undefined });
});

t.test('a slow read keeps what comes later waiting', async (t) => {
  const { feed, reads, tell, readAll } = setup();
  const stream = feed.follow('a');
  tell('a:1');
  tell('a:2');
  t.equal(reads.length, 1);
  await readAll();
  t.same(await take(stream, 2), ['a:1', 'a:2']);
});

t.test('what cannot be read ends those who would have been told, in place of a gap, and nobody else', async (t) => {
  const { feed, reads, tell, readAll } = setup();
  const [failing, waiting, other] = [feed.follow('a'), feed.follow(null), feed.follow('b')];
  const pending = waiting.next();
  tell('a:1');
  reads[0]!.settle(new Error('away'));
  await t.rejects(pending, { code: 'SERVICE_UNAVAILABLE' });
  await t.rejects(failing.next(), { code: 'SERVICE_UNAVAILABLE' });
  t.same(await failing.next(), { done: true, value: undefined }, 'said once');
  t.equal(feed.stats().open, 1);
  reads.length = 0;
  tell('b:1');
  await readAll();
  t.same(await take(other, 1), ['b:1']);
});

t.test('what is not there, as of a lost transaction, is passed by', async (t) => {
  const { feed, missing, tell, readAll } = setup();
  const stream = feed.follow('a');
  missing.add('a:1');
  tell('a:1', 'a:2');
  await readAll();
  t.same(await take(stream, 1), ['a:2']);
});

t.test('who is wanted is decided by what was read', async (t) => {
  const { feed, tell, readAll } = setup();
  const stream = feed.follow('a', ({ id }) => id === 'a:2');
  tell('a:1', 'a:2');
  await readAll();
  t.same(await take(stream, 1), ['a:2']);
});

t.test(
  'a follower that does not read is dropped after a thousand, and so are all when too much is to be read',
  async (t) => {
    const { feed, reads, tell, readAll } = setup();
    const slow = feed.follow('a');
    tell(...Array.from({ length: 1001 }, (_, index) => `a:${index}`));
    await readAll();
    await t.rejects(slow.next(), { code: 'SERVICE_UNAVAILABLE' });
    t.equal(feed.stats().open, 0);

    const flooded = feed.follow('a');
    tell(...Array.from({ length: 10_002 }, (_, index) => `a:more${index}`));
    await t.rejects(flooded.next(), { code: 'SERVICE_UNAVAILABLE' });
    const next = feed.follow('a');
    reads.length = 0;
    tell('a:again');
    t.equal(reads.length, 0, 'the read before still runs');
    next.return!();
  },
);

t.test('a closed feed listens no more', async (t) => {
  const { feed, reads, tell } = setup();
  feed.follow('a');
  feed.close();
  tell('a:1');
  t.equal(reads.length, 0);
});

t.test('what was missed while the bus was away is told when it is back, once and before what comes then', async (t) => {
  const { feed, tell, watch, recordSilently, readAll, clock, onCatchUp } = setup();
  watch(true);
  recordSilently('a:before');
  clock.advance(1);
  const [mine, all] = [feed.follow('a'), feed.follow(null)];
  clock.advance(1000);
  recordSilently('a:1');
  tell('a:1');
  await readAll();
  watch(false);
  clock.advance(60_000);
  recordSilently('a:2', 'b:1', 'a:3');
  let release!: () => void;
  onCatchUp(() => new Promise((resolve) => (release = resolve)));
  watch(true);
  await new Promise(setImmediate);
  tell('a:3');
  tell('a:4');
  release();
  await new Promise(setImmediate);
  await readAll();
  t.same(await take(mine, 4), ['a:1', 'a:2', 'a:3', 'a:4']);
  t.same(await take(all, 5), ['a:1', 'a:2', 'b:1', 'a:3', 'a:4']);
  tell('a:4', 'a:5');
  await readAll();
  t.same(await take(mine, 1), ['a:5'], 'and nothing twice that is told twice');
});

t.test('what commits after somebody follows is told, though it was stamped before', async (t) => {
  const { feed, tell, watch, recordSilently, readAll, clock, onCatchUp } = setup();
  watch(true);
  await new Promise(setImmediate);
  recordSilently('a:1', 'a:2', 'a:3');
  clock.advance(1);
  const stream = feed.follow('a');
  tell('a:1');
  await readAll();
  t.same(await take(stream, 1), ['a:1'], 'live');
  let release!: () => void;
  onCatchUp(() => new Promise((resolve) => (release = resolve)));
  watch(false);
  watch(true);
  await new Promise(setImmediate);
  tell('a:2');
  release();
  await new Promise(setImmediate);
  tell('a:4');
  await readAll();
  t.same(await take(stream, 2), ['a:2', 'a:4'], 'live, and found by catching up first');
});

t.test(
  'what was lost is read since it was, or since somebody follows, a margin before a loss that is noticed',
  async (t) => {
    const { feed, tell, watch, recordSilently, readAll, clock, sinces } = setup();
    const step = () => new Promise(setImmediate);
    watch(true);
    await step();
    recordSilently('a:0');
    clock.advance(1);
    const start = clock.now();
    const stream = feed.follow('a');
    recordSilently('a:1');
    clock.advance(600_000);
    watch(false);
    watch(true);
    await step();
    t.equal(sinces[0], start + 585_000, 'a margin before');
    watch(false, start + 200_000);
    watch(true);
    await step();
    t.equal(sinces[1], start + 185_000, 'as is told by who lost it');
    recordSilently('a:2');
    clock.advance(14_000);
    watch(false);
    clock.advance(30_000);
    watch(false, start + 610_000);
    watch(false);
    watch(true);
    await step();
    t.equal(sinces[2], start + 595_000, 'the earliest of several');
    clock.advance(30_000);
    watch(false);
    watch(true);
    await step();
    t.equal(sinces[3], start + 659_000, 'and that once');
    watch(false, start - 900_000);
    watch(true);
    await step();
    t.equal(sinces[4], start);
    tell('a:3');
    await readAll();
    t.same(await take(stream, 3), ['a:2', 'a:1', 'a:3'], 'late, but not lost');
  },
);

t.test('a loss that is told while another is caught up with is caught up with before what comes then', async (t) => {
  const { feed, tell, watch, recordSilently, readAll, onCatchUp } = setup();
  const stream = feed.follow('a');
  const releases: (() => void)[] = [];
  onCatchUp(() => new Promise((resolve) => releases.push(resolve)));
  watch(true);
  await new Promise(setImmediate);
  watch(false);
  watch(true);
  recordSilently('a:1');
  tell('a:2');
  releases[0]!();
  await new Promise(setImmediate);
  recordSilently('a:1b');
  releases[1]!();
  await new Promise(setImmediate);
  await readAll();
  t.same(await take(stream, 3), ['a:1', 'a:1b', 'a:2']);
});

t.test('what was told is not counted as missed, and who may be told it again is told no more', async (t) => {
  const { feed, tell, watch, recordSilently, readAll, clock } = setup();
  watch(true);
  await new Promise(setImmediate);
  const stream = feed.follow('a');
  const pass = async (follower: AsyncIterator<AuditRecord>, ids: string[]) => {
    for (let done = 0; done < ids.length; done += 1000) {
      const some = ids.slice(done, done + 1000);
      tell(...some);
      await readAll();
      t.same(await take(follower, some.length), some);
    }
  };
  const since = clock.now();
  const told = Array.from({ length: 6000 }, (_, index) => `a:${index}`);
  recordSilently(...told);
  await pass(stream, told);
  clock.advance(60_000);
  recordSilently('a:missed');
  watch(false, since);
  watch(true);
  await new Promise(setImmediate);
  await readAll();
  t.same(await take(stream, 1), ['a:missed']);
  await pass(
    feed.follow('b'),
    Array.from({ length: 14_000 }, (_, index) => `b:${index}`),
  );
  watch(false, since);
  watch(true);
  await t.rejects(stream.next(), { code: 'SERVICE_UNAVAILABLE' });
});

t.test('who missed more than can be read, or when it cannot, is told no more', async (t) => {
  const { feed, watch, recordSilently, onCatchUp } = setup();
  watch(true);
  const many = feed.follow('a');
  watch(false);
  recordSilently(...Array.from({ length: 5001 }, (_, n) => `a:${n}`));
  watch(true);
  await t.rejects(many.next(), { code: 'SERVICE_UNAVAILABLE' });
  const unread = feed.follow('a');
  let readings = 0;
  onCatchUp(() => {
    readings += 1;
    return Promise.reject(new Error('away'));
  });
  watch(false);
  watch(true);
  await t.rejects(unread.next(), { code: 'SERVICE_UNAVAILABLE' });
  t.equal(feed.stats().open, 0);
  watch(false);
  watch(true);
  await new Promise(setImmediate);
  t.equal(readings, 1, 'nothing is read for nobody');
});
