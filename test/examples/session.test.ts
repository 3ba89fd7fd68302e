/** The session that all examples share, without a server: when it retries a refresh, and when it gives up. */
import { mock } from 'node:test';
import t from 'tap';
import { ApiError } from '../../examples/fetch.js';
import { backoff, createSession, isPassing, type Tokens } from '../../examples/session.js';

const OLD: Tokens = { accessToken: 'old', refreshToken: 'r1' };
const NEW: Tokens = { accessToken: 'new', refreshToken: 'r2' };

// Pauses end as soon as they have begun.
mock.timers.enable({ apis: ['setTimeout'] });
const ticking = setInterval(() => mock.timers.tick(30_000), 1);
t.teardown(() => {
  clearInterval(ticking);
  mock.timers.reset();
});

/** A session whose refresh fails with these errors, one after the other, and then succeeds. */
function failing(...errors: unknown[]) {
  const sent: (string | null)[] = [];
  const session = createSession(async (refreshToken) => {
    sent.push(refreshToken);
    if (errors.length > 0) throw errors.shift();
    return NEW;
  });
  session.set(OLD);
  return { session, sent, renew: () => session.renew('Bearer old') };
}

t.test('retries temporary errors with the same refresh token', async (t) => {
  const { session, sent, renew } = failing(
    new TypeError('fetch failed'),
    new SyntaxError('Unexpected token <'),
    new ApiError('overloaded', 'SERVICE_UNAVAILABLE', 2),
    new ApiError('broken', 'INTERNAL_ERROR'),
  );
  await Promise.all([renew(), renew()]);
  t.same(sent, ['r1', 'r1', 'r1', 'r1', 'r1']);
  t.equal(session.authorization(), 'Bearer new');
});

t.test('gives up at once after a final answer or a long Retry-After', async (t) => {
  for (const error of [
    new ApiError('spent', 'INVALID_REFRESH_TOKEN'),
    new ApiError('slow down', 'RATE_LIMIT_EXCEEDED', 900),
  ]) {
    const { session, sent, renew } = failing(error);
    await t.rejects(renew(), error);
    t.equal(sent.length, 1);
    t.equal(session.authorization(), 'Bearer old');
    await renew();
    t.equal(session.authorization(), 'Bearer new', 'it can be tried again');
  }
});

t.test('gives up after five retries', async (t) => {
  const { sent, renew } = failing(...Array.from({ length: 7 }, () => new TypeError('fetch failed')));
  await t.rejects(renew(), { message: 'fetch failed' });
  t.equal(sent.length, 6);
});

t.test('keeps the result of a logout or login during a refresh', async (t) => {
  const other: Tokens = { accessToken: 'other', refreshToken: 'r3' };
  for (const tokens of [undefined, other]) {
    for (const late of [[], [new TypeError('fetch failed')]]) {
      const { session, sent, renew } = failing(...late);
      const renewal = renew();
      session.set(tokens);
      await renewal;
      t.equal(session.authorization(), tokens && 'Bearer other');
      t.equal(sent.length, 1);
    }
  }
});

t.test('pauses double up to half a minute, and differ', (t) => {
  for (const [retries, most] of [
    [0, 250],
    [1, 500],
    [4, 4000],
    [50, 30_000],
  ] as const) {
    const pauses = Array.from({ length: 20 }, () => backoff(retries));
    t.ok(pauses.every((pause) => pause >= most / 2 && pause <= most));
    t.ok(new Set(pauses).size > 1);
  }
  t.notOk(isPassing(new ApiError('no', 'ACCOUNT_DISABLED')));
  t.end();
});
