import t from 'tap';
import { startMaintenance } from '../src/maintenance.js';
import { startTestApp } from './helpers/app.js';

t.test('a chore is done again and again, a failure is logged, and stopping waits for what runs', async (t) => {
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
  const stop = startMaintenance([failing, slow], { warn: (...line: unknown[]) => void warnings.push(line) });
  while (runs < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  const stopped = stop().then(() => order.push('stopped'));
  setImmediate(() => finish());
  await stopped;
  t.same(order, ['finished', 'stopped'], 'and the slow one was started once');
  t.equal(warnings[0]?.[1], 'failing failed; it will be tried again');
});

t.test('every chore of the app can be done', async (t) => {
  const app = await startTestApp(t);
  await app.user();
  for (const name of [
    'reading the signing keys',
    'sending mail',
    'noting when sessions were used',
    'clearing rate limits',
    'clearing password attempts',
    'clearing one-time tokens',
    'clearing sessions',
    'clearing audit events',
    'purging deleted accounts',
  ])
    await t.resolves(app.chore(name), name);
});
