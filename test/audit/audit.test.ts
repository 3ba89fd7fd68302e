import { sql } from 'drizzle-orm';
import t from 'tap';
import { firstIdOf } from '../../src/audit/ids.js';
import { createAuditRepository } from '../../src/audit/repository.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { collect } from '../helpers/events.js';
import { LOGIN, LOGOUT, PASSWORD, REFRESH } from '../helpers/seed.js';

t.test('records the actions of an account in order, with the client and without secrets', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  const client = app.client({ ip: '203.0.113.5', headers: { 'user-agent': 'Phone/1.0' } });
  const { data } = await client.send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  app.clock.advance(1);
  await client.send(REFRESH, { refreshToken: user.refreshToken });
  app.clock.advance(1);
  await client.send(LOGOUT, {}, { token: data!['login'].accessToken });
  const events = await auditOf(app.db, user.id);
  t.same(
    events.map(({ type }) => type),
    ['session.ended', 'session.refreshed', 'session.opened', 'session.opened', 'account.registered'],
  );
  t.match(events[0], { ipAddress: '203.0.113.5', userAgent: 'Phone/1.0', actorId: user.id, createdAt: Date });
  t.match(
    events.map(({ detail }) => detail),
    [null, /^from 10\./, 'by login', 'by register', null],
  );
  const text = JSON.stringify(events);
  for (const secret of [PASSWORD, user.accessToken, user.refreshToken, user.email]) t.notOk(text.includes(secret));
});

t.test('publishes every recorded event to all instances, by id only', async (t) => {
  const app = await startTestApp(t);
  const { until } = collect(app.events);
  const user = await app.user();
  const wrong = { input: { identifier: user.username, password: 'hunter2hunter2' } };
  await app.client().send(LOGIN, wrong);
  await user.client.send(LOGOUT);
  const recorded = (await auditOf(app.db, user.id)).reverse();
  t.equal(recorded.length, 4);
  const told = await until(({ length }) => length >= recorded.length);
  t.same(
    told,
    recorded.map(({ id, userId, sessionId }) => ({ auditId: id, userId, sessionId })),
  );
});

t.test('finds the events since a moment by id, in order', async (t) => {
  const app = await startTestApp(t);
  const before = await app.user();
  app.clock.advance(60_000);
  const since = new Date(app.clock.now());
  const user = await app.user();
  const recorded = (await auditOf(app.db, user.id)).reverse();
  t.match(recorded, [{ type: 'account.registered', createdAt: since }, { type: 'session.opened' }]);
  t.ok(recorded[1]!.id > recorded[0]!.id, 'of one millisecond too');
  const repository = createAuditRepository(app.db.executor);
  const find = (moment: number, limit: number, userIds?: string[]) =>
    repository.findSince(firstIdOf(new Date(moment)), limit, userIds);
  const found = recorded.map(({ id, userId }) => ({ id, userId }));
  t.same(await find(since.getTime(), 10), found);
  t.same(await find(since.getTime(), 10, [user.id]), found);
  t.same(await find(since.getTime(), 10, [before.id]), [], 'nor of others');
  t.same(await find(since.getTime(), 1), found.slice(0, 1), 'no more than is asked for');
  t.equal((await find(since.getTime() - 60_000, 10))[0]!.userId, before.id);
  t.same(await find(since.getTime() + 1, 10), []);
});

t.test('commits or rolls back an event together with its change', async (t) => {
  const app = await startTestApp(t);
  const user = await app.user();
  await app.db.executor.execute(sql`alter table audit_events add constraint refused check (type <> 'account.updated')`);
  const answer = await user.client.send('mutation { updateMe(input: { displayName: "x" }) { id } }');
  t.equal(answer.code, 'INTERNAL_ERROR');
  t.equal((await user.client.send('{ me { displayName } }')).data!['me'].displayName, null);
});

t.test('keeps events for the configured retention', async (t) => {
  const app = await startTestApp(t, { AUDIT_RETENTION: '2d' });
  const user = await app.user();
  app.clock.advance(2 * 86_400_000 - 1000);
  await app.runJob('clean up audit events');
  t.equal((await auditOf(app.db, user.id)).length, 2);
  app.clock.advance(2000);
  await app.user();
  await app.runJob('clean up audit events');
  t.same(await auditOf(app.db, user.id), []);
});

t.test('audits a rate limit rejection once per window', async (t) => {
  const app = await startTestApp(t, { RATE_LIMIT_FIELDS: 'login=2/1m' });
  const client = app.client({ ip: '203.0.113.6' });
  for (let time = 0; time < 6; time += 1) await client.send(LOGIN, { input: { identifier: 'x', password: 'y' } });
  const refusals = (await auditOf(app.db, null)).filter(({ type }) => type === 'request.throttled');
  t.match(refusals, [{ ipAddress: '203.0.113.6', detail: 'Mutation.login' }]);
  t.equal(refusals.length, 1);
});

t.test('copies committed events to the log if AUDIT_LOG is set', async (t) => {
  const quiet = await startTestApp(t);
  await quiet.user();
  t.notOk(
    quiet.logs.some(({ audit }) => audit),
    'not by default',
  );

  const app = await startTestApp(t, { AUDIT_LOG: 'true' });
  const user = await app.user();
  const copied = () => app.logs.flatMap(({ audit }) => (audit ? [audit as Record<string, unknown>] : []));
  t.same(
    copied().map(({ type }) => type),
    ['account.registered', 'session.opened'],
  );
  const recorded = await auditOf(app.db, user.id);
  t.same(new Set(copied().map(({ id }) => id)), new Set(recorded.map(({ id }) => id)));
  t.match(copied()[0], { userId: user.id, actorId: user.id, ipAddress: recorded[0]!.ipAddress });
  const before = copied().length;
  await t.rejects(app.user({ email: user.email }), /is taken/);
  t.equal(copied().length, before, 'nothing that was rolled back or refused');
});
