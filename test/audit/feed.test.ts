import t from 'tap';
import { feedSetup as setup, take } from '../helpers/feed.js';

t.test('reads concurrent events in one statement for all subscribers and delivers them in order', async (t) => {
  const { feed, reads, dispatch, readAll } = setup();
  const [mine, again, all] = [feed.subscribe('a'), feed.subscribe('a'), feed.subscribe(null)];
  dispatch('a:1', 'b:1', 'a:2', ':1', 'a:3');
  await readAll();
  t.same(
    reads.map(({ ids }) => ids),
    [['a:1'], ['b:1', 'a:2', ':1', 'a:3']],
  );
  t.same(await take(mine, 3), ['a:1', 'a:2', 'a:3']);
  t.same(await take(again, 3), ['a:1', 'a:2', 'a:3']);
  t.same(await take(all, 5), ['a:1', 'b:1', 'a:2', ':1', 'a:3']);
});

t.test('reads nothing without subscribers', async (t) => {
  const { feed, reads, dispatch } = setup();
  dispatch('a:1');
  const stream = feed.subscribe('b');
  dispatch('a:2');
  await stream.return!();
  dispatch('b:1');
  t.same([reads.length, feed.stats()], [0, { open: 0, total: 1 }]);
  t.same(await stream.next(), { done: true, value: undefined });
});

t.test('delays later events while a read is slow', async (t) => {
  const { feed, reads, dispatch, readAll } = setup();
  const stream = feed.subscribe('a');
  dispatch('a:1');
  dispatch('a:2');
  t.equal(reads.length, 1);
  await readAll();
  t.same(await take(stream, 2), ['a:1', 'a:2']);
});

t.test('ends only the affected subscriptions when a read fails', async (t) => {
  const { feed, reads, dispatch, readAll } = setup();
  const [failing, waiting, other] = [feed.subscribe('a'), feed.subscribe(null), feed.subscribe('b')];
  const pending = waiting.next();
  dispatch('a:1');
  reads[0]!.finish(new Error('away'));
  await t.rejects(pending, { code: 'SERVICE_UNAVAILABLE' });
  await t.rejects(failing.next(), { code: 'SERVICE_UNAVAILABLE' });
  t.same(await failing.next(), { done: true, value: undefined }, 'said once');
  t.equal(feed.stats().open, 1);
  reads.length = 0;
  dispatch('b:1');
  await readAll();
  t.same(await take(other, 1), ['b:1']);
});

t.test('skips events that do not exist, as after a lost transaction', async (t) => {
  const { feed, missing, dispatch, readAll } = setup();
  const stream = feed.subscribe('a');
  missing.add('a:1');
  dispatch('a:1', 'a:2');
  await readAll();
  t.same(await take(stream, 1), ['a:2']);
});

t.test('filters by the event that was read', async (t) => {
  const { feed, dispatch, readAll } = setup();
  const stream = feed.subscribe('a', ({ id }) => id === 'a:2');
  dispatch('a:1', 'a:2');
  await readAll();
  t.same(await take(stream, 1), ['a:2']);
});

t.test('ends a subscription with a thousand unread events, and all when too many events wait', async (t) => {
  const { feed, reads, dispatch, readAll } = setup();
  const slow = feed.subscribe('a');
  dispatch(...Array.from({ length: 1001 }, (_, index) => `a:${index}`));
  await readAll();
  await t.rejects(slow.next(), { code: 'SERVICE_UNAVAILABLE' });
  t.equal(feed.stats().open, 0);

  const flooded = feed.subscribe('a');
  dispatch(...Array.from({ length: 10_002 }, (_, index) => `a:more${index}`));
  await t.rejects(flooded.next(), { code: 'SERVICE_UNAVAILABLE' });
  const next = feed.subscribe('a');
  reads.length = 0;
  dispatch('a:again');
  t.equal(reads.length, 0, 'the read before still runs');
  next.return!();
});

t.test('stops listening after close', async (t) => {
  const { feed, reads, dispatch } = setup();
  feed.subscribe('a');
  feed.close();
  dispatch('a:1');
  t.equal(reads.length, 0);
});
