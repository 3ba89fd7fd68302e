import t from 'tap';
import { clearInBatches } from '../../src/db/clear-in-batches.js';
import { startJobs } from '../../src/jobs/scheduler.js';
import { startTestApp } from '../helpers/app.js';

t.test('runs jobs repeatedly, logs failures, and waits for running jobs when stopped', async (t) => {
  const warnings: unknown[][] = [];
  let runs = 0;
  let finish = (): void => undefined;
  const order: string[] = [];
  const failing = {
    name: 'failing',
    everyMs: 1,
    async run() {
      runs += 1;
      throw new Error('no');
    },
  };
  const slow = {
    name: 'slow',
    everyMs: 1,
    run: () => new Promise<void>((resolve) => (finish = resolve)).then(() => order.push('finished')),
  };
  const stop = startJobs([failing, slow], { warn: (...line: unknown[]) => void warnings.push(line) });
  while (runs < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  const stopped = stop().then(() => order.push('stopped'));
  setImmediate(() => finish());
  await stopped;
  t.same(order, ['finished', 'stopped'], 'and the slow one was started once');
  t.match(warnings[0], [{ job: 'failing' }, 'Job failed; it will run again']);
});

t.test('aborts the signal of a long run when stopped', async (t) => {
  let begun: () => void = () => undefined;
  const isBegun = new Promise<void>((resolve) => (begun = resolve));
  const patient = {
    name: 'patient',
    everyMs: 1,
    async run(stop?: AbortSignal) {
      begun();
      await new Promise((resolve) => stop?.addEventListener('abort', resolve));
    },
  };
  // The timers of jobs keep no process alive.
  const awake = setInterval(() => undefined, 1000);
  const stop = startJobs([patient], { warn: () => undefined });
  await isBegun;
  await t.resolves(stop());
  clearInterval(awake);
});

t.test('ends a clean-up after the current batch when stopped', async (t) => {
  const { db } = await startTestApp(t);
  const stopping = new AbortController();
  let batches = 0;
  const cleared = await clearInBatches(
    db,
    'whatever there is',
    async (_tx, limit) => {
      batches += 1;
      if (batches === 2) stopping.abort();
      return limit;
    },
    { limit: 10, stop: stopping.signal },
  );
  t.same([batches, cleared], [2, 20]);
});

t.test('pauses between two batches for as long as the last one took', async (t) => {
  const { db } = await startTestApp(t);
  const times: { readonly begun: number; readonly ended: number }[] = [];
  await clearInBatches(
    db,
    'whatever there is',
    async (_tx, limit) => {
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 30));
      times.push({ begun, ended: performance.now() });
      return times.length < 3 ? limit : 0;
    },
    { limit: 10 },
  );
  const [first, second, third] = times;
  for (const [before, after] of [
    [first!, second!],
    [second!, third!],
  ] as const)
    // A timer may be a millisecond early.
    t.ok(after.begun - before.ended >= before.ended - before.begun - 1);
});

t.test('runs every job of the app', async (t) => {
  const app = await startTestApp(t);
  await app.user();
  for (const name of [
    'reload signing keys',
    'send mail',
    'record session use',
    'clean up rate limits',
    'clean up password attempts',
    'clean up one-time tokens',
    'clean up sessions',
    'clean up audit events',
    'purge deleted accounts',
  ])
    await t.resolves(app.runJob(name), name);
});
