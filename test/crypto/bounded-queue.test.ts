import t from 'tap';
import { createBoundedQueue } from '../../src/crypto/bounded-queue.js';

/** Work that the test finishes. */
function work(log: string[], name: string) {
  const [began, ended] = [defer(), defer()];
  return {
    began: began.promise,
    end: ended.resolve,
    fail: ended.reject,
    run: async () => {
      log.push(name);
      began.resolve();
      await ended.promise;
      return name;
    },
  };
}

function defer() {
  let resolve!: () => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

t.test('runs calls up to the concurrency and the others in order', async (t) => {
  const jobs = createBoundedQueue({ concurrency: 2, queue: 3 });
  const started: string[] = [];
  const work5 = ['a', 'b', 'c', 'd', 'e'].map((name) => work(started, name));
  const results = work5.map(({ run }) => jobs.run(run));
  await Promise.all([work5[0]?.began, work5[1]?.began]);
  t.same(started, ['a', 'b']);
  t.same(jobs.stats(), { running: 2, waiting: 3 });

  work5[1]?.end();
  t.equal(await results[1], 'b');
  await work5[2]?.began;
  t.same(started, ['a', 'b', 'c']);
  t.same(jobs.stats(), { running: 2, waiting: 2 });

  for (const { end } of work5) end();
  t.same(await Promise.all(results), ['a', 'b', 'c', 'd', 'e']);
  t.same(started, ['a', 'b', 'c', 'd', 'e']);
  t.same(jobs.stats(), { running: 0, waiting: 0 });
});

t.test('rejects calls immediately if the queue is full', async (t) => {
  const jobs = createBoundedQueue({ concurrency: 1, queue: 1 });
  const started: string[] = [];
  const [first, second, third] = [work(started, 'first'), work(started, 'second'), work(started, 'third')];
  const results = [jobs.run(first.run), jobs.run(second.run)];
  await t.rejects(jobs.run(third.run), { code: 'SERVICE_UNAVAILABLE', details: { retryAfter: 1 } });
  first.end();
  second.end();
  await Promise.all(results);
  t.same(started, ['first', 'second']);
  await t.resolves(
    jobs.run(async () => undefined),
    'there is room again',
  );
});

t.test('does not let a new call overtake a waiting one', async (t) => {
  const jobs = createBoundedQueue({ concurrency: 1, queue: 1 });
  const started: string[] = [];
  const [first, second] = [work(started, 'first'), work(started, 'second')];
  const results = [jobs.run(first.run), jobs.run(second.run)];
  first.end();
  await results[0];
  t.same(jobs.stats(), { running: 1, waiting: 0 });
  second.end();
  await results[1];
});

t.test('releases the slot of failed work and rejects its caller', async (t) => {
  const jobs = createBoundedQueue({ concurrency: 1, queue: 1 });
  const failing = work([], 'failing');
  const results = [jobs.run(failing.run), jobs.run(async () => 'next')] as const;
  failing.fail(new Error('out of memory'));
  await t.rejects(results[0], { message: 'out of memory' });
  t.equal(await results[1], 'next');
  t.same(jobs.stats(), { running: 0, waiting: 0 });
});

t.test('estimates retryAfter for a rejected caller', async (t) => {
  let now = 0;
  const jobs = createBoundedQueue({ concurrency: 2, queue: 5 }, () => now);
  await jobs.run(async () => void (now += 2100));
  const held = work([], 'held');
  const results = Array.from({ length: 7 }, () => jobs.run(held.run));
  // Five wait, two at a time, 2.1 seconds each: 5.25 seconds.
  await t.rejects(jobs.run(held.run), { code: 'SERVICE_UNAVAILABLE', details: { retryAfter: 6 } });
  held.end();
  await Promise.all(results);
});

t.test('serves buckets in round-robin order', async (t) => {
  const jobs = createBoundedQueue({ concurrency: 1, queue: 10 });
  const order: string[] = [];
  const held = work(order, 'held');
  const add = (bucket: string, name: string) => jobs.run(async () => void order.push(name), bucket);
  const first = jobs.run(held.run, 'a');
  const rest = [add('a', 'a1'), add('a', 'a2'), add('a', 'a3'), add('b', 'b1'), add('c', 'c1'), add('b', 'b2')];
  held.end();
  await Promise.all([first, ...rest]);
  t.same(order, ['held', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
});

t.test('rejects the newest call of the longest bucket to make room', async (t) => {
  const jobs = createBoundedQueue({ concurrency: 1, queue: 4 });
  const order: string[] = [];
  const held = work(order, 'held');
  const first = jobs.run(held.run, 'flood');
  const add = (bucket: string, name: string) =>
    jobs.run(async () => void order.push(name), bucket).catch((error: { code: string }) => error.code);
  const flood = ['f1', 'f2', 'f3', 'f4', 'f5'].map((name) => add('flood', name));
  t.equal(await flood[4], 'SERVICE_UNAVAILABLE', 'its own newcomers displace nobody');
  const others = [add('b', 'b1'), add('c', 'c1')];
  t.same(await Promise.all([flood[3], flood[2]]), ['SERVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE']);
  t.equal(await add('b', 'b2'), 'SERVICE_UNAVAILABLE', 'a bucket that has its share gets no more');
  t.equal(jobs.stats().waiting, 4);
  const late = add('d', 'd1');
  t.equal(await flood[1], 'SERVICE_UNAVAILABLE');
  t.equal(await add('e', 'e1'), 'SERVICE_UNAVAILABLE', 'where all have one waiting, nobody gives way');
  held.end();
  await Promise.all([first, ...flood, ...others, late]);
  t.same(order, ['held', 'f1', 'b1', 'c1', 'd1']);
  t.same(jobs.stats(), { running: 0, waiting: 0 });
});
