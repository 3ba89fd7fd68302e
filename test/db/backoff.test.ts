import t from 'tap';
import { createBackoff } from '../../src/db/backoff.js';

t.test('increases the delay up to a second and resets it after a success', async (t) => {
  let now = 0;
  const backoff = createBackoff(() => now);
  for (const pauseMs of [50, 100, 200, 400, 800, 1000, 1000]) {
    backoff.attempt()!(false);
    now += pauseMs - 1;
    t.equal(backoff.attempt(), undefined);
    now += 1;
  }
  const last = backoff.attempt()!;
  t.equal(backoff.attempt(), undefined, 'one at a time after a failure');
  last(true);
  t.ok(backoff.attempt());
  t.ok(backoff.attempt(), 'as many as wanted after a success');
});

t.test('counts concurrent failures once', async (t) => {
  let now = 0;
  const backoff = createBackoff(() => now);
  const attempts = [backoff.attempt()!, backoff.attempt()!, backoff.attempt()!];
  for (const report of attempts) report(false);
  now = 50;
  t.ok(backoff.attempt());
});
