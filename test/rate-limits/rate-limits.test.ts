import { sql } from 'drizzle-orm';
import t from 'tap';
import { createAudit } from '../../src/audit/audit.js';
import type { Clock } from '../../src/lib/clock.js';
import type { Database } from '../../src/db/database.js';
import { clearInBatches } from '../../src/db/clear-in-batches.js';
import { createRateLimits } from '../../src/rate-limits/service.js';
import { startTestApp } from '../helpers/app.js';
import { testClock } from '../helpers/clock.js';
import { openTestDatabase } from '../helpers/database.js';
import { LOGIN, PASSWORD, REGISTER } from '../helpers/seed.js';
import { noEvents } from '../helpers/events.js';

const RATE = { max: 2, windowMs: 60_000 };
const CHARGED = { userId: null, client: { ipAddress: '192.0.2.1', network: '192.0.2.1', userAgent: null } };
const limitsOn = (db: Database, clock: Clock) =>
  createRateLimits({ db, clock, audit: createAudit({ db, clock, events: noEvents, retentionMs: 86_400_000 }) });
const exceeded = { code: 'RATE_LIMIT_EXCEEDED' };

t.test('admits up to the limit, then returns retryAfter until the window ends', async (t) => {
  const clock = testClock();
  const limits = limitsOn(await openTestDatabase(t), clock);
  await limits.charge('a', RATE, CHARGED);
  clock.advance(20_500);
  await limits.charge('a', RATE, CHARGED);
  await t.rejects(limits.charge('a', RATE, CHARGED), { ...exceeded, details: { retryAfter: 40 } });
  await t.resolves(limits.charge('b', RATE, CHARGED), 'each key has a window of its own');
  clock.advance(39_500);
  await t.resolves(limits.charge('a', RATE, CHARGED));
});

t.test('admits exactly the limit concurrently and across restarts', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  const tries = Array.from({ length: 20 }, () => limitsOn(db, clock).charge('a', RATE, CHARGED));
  const passed = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled');
  t.equal(passed.length, 2);
});

t.test('deletes only expired windows', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  const limits = limitsOn(db, clock);
  await db.executor.execute(
    sql`insert into rate_limits select 'old ' || n, 1, ${new Date(clock.now()).toISOString()}::timestamptz from generate_series(1, 2500) n`,
  );
  await limits.charge('fresh', RATE, CHARGED);
  t.equal(await clearInBatches(db, 'rate limits', limits.clear), 2500);
  t.match(JSON.stringify(await db.executor.execute(sql`select key from rate_limits`)), /fresh/);
});

t.test('rejects a field over its limit before any work, per address', async (t) => {
  const app = await startTestApp(t, { RATE_LIMIT_FIELDS: 'register=1/1h,login=2/1m' });
  const client = app.client();
  const register = (username: string, from = client) =>
    from.send(REGISTER, { input: { email: `${username}@mail.test`, username, password: PASSWORD } });
  t.equal((await register('first')).code, undefined);
  const refused = await register('second');
  t.match(refused, { code: 'RATE_LIMIT_EXCEEDED', status: 429, headers: { 'retry-after': '3600' } });
  t.equal((await register('second', app.client())).code, undefined, 'and the name was still free');

  const login = (from = client) => from.send(LOGIN, { input: { identifier: 'first', password: PASSWORD } });
  const codes = [await login(), await login(), await login()].map(({ code }) => code);
  t.same(codes, [undefined, undefined, 'RATE_LIMIT_EXCEEDED']);
  const inOneNetwork = ['2001:db8::1', '2001:db8::2', '2001:db8::3'].map((ip) => login(app.client({ ip })));
  t.equal(
    (await Promise.all(inOneNetwork)).filter(({ code }) => code === 'RATE_LIMIT_EXCEEDED').length,
    1,
    'a /64 counts as one',
  );
});
