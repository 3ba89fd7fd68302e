/** Attempts at one moment, as they reach the database: by clocks that are a little apart, and in no order. */
import t from 'tap';
import { createCharges } from '../../src/passwords/charges.js';
import type { Counter } from '../../src/passwords/counters.js';
import { createAttemptRepository } from '../../src/passwords/repository.js';
import { openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const attempts = createAttemptRepository(db.executor);
const NOW = Date.parse('2026-03-04T05:06:07.089Z');
const counter = (key: string, max = 3): Counter => ({
  key,
  max,
  windowMs: 900_000,
  firstDelayMs: 30_000,
  maxDelayMs: 900_000,
});
/** Charges at a moment; a number of failures, or the wait of a refusal. */
async function charge(at: number, keys: readonly string[], ceiling = counter(`${keys.join()} ceiling`, 100)) {
  const charged = createCharges({ db, clock: { now: () => at } });
  return charged({ waits: keys.map((key) => counter(key)), ceiling }).catch(
    (error: { details: { retryAfter: number } }) => ({ retryAfter: error.details.retryAfter }),
  );
}

t.test('admits and counts an attempt with clock skew below the limit', async (t) => {
  t.match(await charge(NOW, ['free']), { failures: 1, beginsWait: false });
  t.match(await charge(NOW - 30_000, ['free']), { failures: 2 });
});

t.test('rejects attempts during the wait', async (t) => {
  for (const failures of [1, 2, 3]) t.match(await charge(NOW, ['spent']), { failures, beginsWait: failures === 3 });
  t.same(await charge(NOW - 1, ['spent']), { retryAfter: 31 });
  t.same(await charge(NOW, ['spent']), { retryAfter: 30 });
  t.match(await charge(NOW + 30_000, ['spent']), { failures: 4 });
  t.match(await charge(NOW + 30_000 + 960_000, ['spent']), { failures: 1 }, 'forgotten');
});

t.test('counts nothing while one of several counters waits', async (t) => {
  for (let time = 0; time < 3; time += 1) await charge(NOW, ['narrow']);
  t.same(await charge(NOW, ['wide', 'narrow']), { retryAfter: 30 });
  t.match(await charge(NOW, ['wide']), { failures: 1 });
});

t.test('leaves no wait after a refund, despite clock skew', async (t) => {
  for (let time = 0; time < 3; time += 1) await charge(NOW, ['taken back']);
  await attempts.refund(['taken back']);
  t.match(await charge(NOW - 5, ['taken back']), { failures: 3 });
});

t.test('does not go below zero when a refund follows a reset', async (t) => {
  t.match(await charge(NOW, ['forgiven']), { failures: 1 });
  for (let time = 0; time < 3; time += 1) await attempts.refund(['forgiven']);
  t.match(await charge(NOW, ['forgiven']), { failures: 1 });
});

t.test('admits attempts above the ceiling and marks them as locked', async (t) => {
  const ceiling = { ...counter('ceiling', 2), firstDelayMs: 1e9, maxDelayMs: 1e9 };
  t.match(await charge(NOW, ['one'], ceiling), { isLocked: false, reachesCeiling: false });
  t.match(await charge(NOW, ['two'], ceiling), { isLocked: false, reachesCeiling: true });
  t.match(await charge(NOW, ['three'], ceiling), { isLocked: true, reachesCeiling: false, keys: ['three'] });
});

t.test('counts all concurrent attempts with the same keys in different order', async (t) => {
  const ceiling = counter('many ceiling', 1000);
  const keys = ['k1', 'k2', 'k3'];
  const orders = Array.from({ length: 12 }, (_, index) => (index % 2 ? keys : [...keys].reverse()));
  const outcomes = await Promise.all(orders.map((order) => charge(NOW, order, ceiling)));
  t.equal(outcomes.filter((outcome) => 'keys' in outcome).length, 3);
});
