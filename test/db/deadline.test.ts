import t from 'tap';
import { withDeadline } from '../../src/db/deadline.js';

t.test('returns results and errors before the deadline', async (t) => {
  t.equal(await withDeadline(Promise.resolve(7), 60_000), 7);
  await t.rejects(withDeadline(Promise.reject(new Error('its own')), 60_000), /its own/);
});

t.test('rejects with SERVICE_UNAVAILABLE after the deadline and cancels', async (t) => {
  let stopped = false;
  const never = new Promise(() => undefined);
  await t.rejects(
    withDeadline(never, 5, () => (stopped = true)),
    { code: 'SERVICE_UNAVAILABLE' },
  );
  t.ok(stopped);
  await t.rejects(withDeadline(never, 5), { code: 'SERVICE_UNAVAILABLE' });
});
