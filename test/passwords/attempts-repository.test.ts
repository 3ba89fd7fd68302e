/** Attempts at one moment, as they reach the database: by clocks that are a little apart, and in no order. */
import t from 'tap';
import { createAttemptRepository } from '../../src/passwords/repository.js';
import { openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const attempts = createAttemptRepository(db.executor);
const LIMITS = { max: 3, windowMs: 900_000, firstDelayMs: 30_000, maxDelayMs: 900_000 };
const NOW = Date.parse('2026-03-04T05:06:07.089Z');

t.test('while failures are free, an attempt whose clock is behind is admitted and counted', async (t) => {
  t.equal(await attempts.charge('free', NOW, LIMITS), 1);
  t.equal(await attempts.charge('free', NOW - 30_000, LIMITS), 2);
});

t.test('after the last free failure it is refused until the wait is over', async (t) => {
  for (const time of [1, 2, 3]) t.equal(await attempts.charge('spent', NOW, LIMITS), time);
  t.equal(await attempts.charge('spent', NOW - 1, LIMITS), undefined);
  t.same(await attempts.blockedUntil('spent'), new Date(NOW + 30_000));
  t.equal(await attempts.charge('spent', NOW + 30_000, LIMITS), 4);
});

t.test('an attempt that is taken back leaves no wait, whatever the clock of the next', async (t) => {
  for (const time of [1, 2, 3]) t.equal(await attempts.charge('taken back', NOW, LIMITS), time);
  await attempts.refund('taken back');
  t.equal(await attempts.charge('taken back', NOW - 5, LIMITS), 3);
});
