/** Attempts at one moment, as they reach the database: by clocks that are a little apart, and in no order. */
import t from 'tap';
import { createAttemptRepository } from '../../src/passwords/repository.js';
import { createRateLimitRepository } from '../../src/rate-limits/repository.js';
import { openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const attempts = createAttemptRepository(db.executor);
const LIMITS = { max: 3, windowMs: 900_000, firstDelayMs: 30_000, maxDelayMs: 900_000 };
const ROOM = { key: 'password|192.0.2.1', max: 100, held: 0 };
const NOW = Date.parse('2026-03-04T05:06:07.089Z');

t.test('while failures are free, an attempt whose clock is behind is admitted and counted', async (t) => {
  t.equal(await attempts.charge('free', NOW, LIMITS, ROOM), 1);
  t.equal(await attempts.charge('free', NOW - 30_000, LIMITS, ROOM), 2);
});

t.test('after the last free failure it is refused until the wait is over', async (t) => {
  for (const time of [1, 2, 3]) t.equal(await attempts.charge('spent', NOW, LIMITS, ROOM), time);
  t.equal(await attempts.charge('spent', NOW - 1, LIMITS, ROOM), undefined);
  t.same(await attempts.blockedUntil('spent'), new Date(NOW + 30_000));
  t.equal(await attempts.charge('spent', NOW + 30_000, LIMITS, ROOM), 4);
});

t.test('an attempt that is taken back leaves no wait, whatever the clock of the next', async (t) => {
  for (const time of [1, 2, 3]) t.equal(await attempts.charge('taken back', NOW, LIMITS, ROOM), time);
  await attempts.refund('taken back');
  t.equal(await attempts.charge('taken back', NOW - 5, LIMITS, ROOM), 3);
});

t.test('what is taken back after all was forgiven buys no free failures', async (t) => {
  t.equal(await attempts.charge('forgiven', NOW, LIMITS, ROOM), 1);
  for (let time = 0; time < 3; time += 1) await attempts.refund('forgiven');
  t.equal(await attempts.charge('forgiven', NOW, LIMITS, ROOM), 1);
});

t.test('without room in the budget nothing is admitted and nothing is counted', async (t) => {
  const budget = { key: 'password|192.0.2.2', max: 3, held: 1 };
  const windows = createRateLimitRepository(db.executor);
  const count = () => windows.charge(budget.key, new Date(NOW), new Date(NOW + 60_000));
  t.equal(await attempts.charge('within', NOW, LIMITS, { ...budget, held: 3 }), undefined, 'all of it is held');
  t.equal(await attempts.charge('within', NOW, LIMITS, budget), 1);
  await count();
  t.equal(await attempts.charge('within', NOW, LIMITS, budget), 2);
  await count();
  t.equal(await attempts.charge('within', NOW, LIMITS, budget), undefined, 'two are counted and one is held');
  t.equal(await attempts.charge('new', NOW, LIMITS, budget), undefined);
  t.equal(await attempts.blockedUntil('new'), undefined);
  t.equal(await attempts.charge('within', NOW + 60_000, LIMITS, budget), 3, 'in the next window');
});
