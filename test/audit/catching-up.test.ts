/** Delivery of audit events that were missed while no events arrived. */
import t from 'tap';
import type { AuditRecord } from '../../src/audit/event.js';
import { feedSetup as setup, take } from '../helpers/feed.js';

t.test('delivers missed events once after an outage, before new ones', async (t) => {
  const { feed, dispatch, watch, recordSilently, readAll, clock, onCatchUp } = setup();
  watch(true);
  recordSilently('a:before');
  clock.advance(1);
  const [mine, all] = [feed.subscribe('a'), feed.subscribe(null)];
  clock.advance(1000);
  recordSilently('a:1');
  dispatch('a:1');
  await readAll();
  watch(false);
  clock.advance(60_000);
  recordSilently('a:2', 'b:1', 'a:3');
  let release!: () => void;
  onCatchUp(() => new Promise((resolve) => (release = resolve)));
  watch(true);
  await new Promise(setImmediate);
  dispatch('a:3');
  dispatch('a:4');
  release();
  await new Promise(setImmediate);
  await readAll();
  t.same(await take(mine, 4), ['a:1', 'a:2', 'a:3', 'a:4']);
  t.same(await take(all, 5), ['a:1', 'a:2', 'b:1', 'a:3', 'a:4']);
  dispatch('a:4', 'a:5');
  await readAll();
  t.same(await take(mine, 1), ['a:5'], 'and nothing twice that is told twice');
});

t.test('delivers an event committed after the subscription, even with an earlier timestamp', async (t) => {
  const { feed, dispatch, watch, recordSilently, readAll, clock, onCatchUp } = setup();
  watch(true);
  await new Promise(setImmediate);
  recordSilently('a:1', 'a:2', 'a:3');
  clock.advance(1);
  const stream = feed.subscribe('a');
  dispatch('a:1');
  await readAll();
  t.same(await take(stream, 1), ['a:1'], 'live');
  let release!: () => void;
  onCatchUp(() => new Promise((resolve) => (release = resolve)));
  watch(false);
  watch(true);
  await new Promise(setImmediate);
  dispatch('a:2');
  release();
  await new Promise(setImmediate);
  dispatch('a:4');
  await readAll();
  t.same(await take(stream, 2), ['a:2', 'a:4'], 'live, and found by catching up first');
});

t.test(
  'reads missed events since the outage or the oldest subscription, with a margin before a noticed outage',
  async (t) => {
    const { feed, dispatch, watch, recordSilently, readAll, clock, sinces } = setup();
    const step = () => new Promise(setImmediate);
    watch(true);
    await step();
    recordSilently('a:0');
    clock.advance(1);
    const start = clock.now();
    const stream = feed.subscribe('a');
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
    dispatch('a:3');
    await readAll();
    t.same(await take(stream, 3), ['a:2', 'a:1', 'a:3'], 'late, but not lost');
  },
);

t.test('catches up with a second outage before it delivers new events', async (t) => {
  const { feed, dispatch, watch, recordSilently, readAll, onCatchUp } = setup();
  const stream = feed.subscribe('a');
  const releases: (() => void)[] = [];
  onCatchUp(() => new Promise((resolve) => releases.push(resolve)));
  watch(true);
  await new Promise(setImmediate);
  watch(false);
  watch(true);
  recordSilently('a:1');
  dispatch('a:2');
  releases[0]!();
  await new Promise(setImmediate);
  recordSilently('a:1b');
  releases[1]!();
  await new Promise(setImmediate);
  await readAll();
  t.same(await take(stream, 3), ['a:1', 'a:1b', 'a:2']);
});

t.test('does not count delivered events as missed, and ends a subscription that could get duplicates', async (t) => {
  const { feed, dispatch, watch, recordSilently, readAll, clock } = setup();
  watch(true);
  await new Promise(setImmediate);
  const stream = feed.subscribe('a');
  const pass = async (follower: AsyncIterator<AuditRecord>, ids: string[]) => {
    for (let done = 0; done < ids.length; done += 1000) {
      const some = ids.slice(done, done + 1000);
      dispatch(...some);
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
    feed.subscribe('b'),
    Array.from({ length: 14_000 }, (_, index) => `b:${index}`),
  );
  watch(false, since);
  watch(true);
  await t.rejects(stream.next(), { code: 'SERVICE_UNAVAILABLE' });
});

t.test('does not count missed events of accounts without subscribers', async (t) => {
  for (const followers of [1, 1001]) {
    const { feed, watch, recordSilently, readAll } = setup();
    watch(true);
    await new Promise(setImmediate);
    const stream = feed.subscribe('a');
    for (let index = 1; index < followers; index += 1) feed.subscribe(`c${index}`);
    watch(false);
    recordSilently(...Array.from({ length: followers > 1 ? 5001 : 20_001 }, (_, index) => `b:${index}`), 'a:1');
    watch(true);
    await new Promise(setImmediate);
    await readAll();
    t.same(await take(stream, 1), ['a:1'], `${followers} accounts`);
  }
});

t.test('ends subscriptions that missed too many events, or whose catch-up fails', async (t) => {
  const { feed, watch, recordSilently, onCatchUp } = setup();
  watch(true);
  const many = feed.subscribe('a');
  watch(false);
  recordSilently(...Array.from({ length: 5001 }, (_, n) => `a:${n}`));
  watch(true);
  await t.rejects(many.next(), { code: 'SERVICE_UNAVAILABLE' });
  const unread = feed.subscribe('a');
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
