/** The idle timeout of sessions, and how many an account may have. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { startLiveApp } from '../helpers/live.js';
import { LOGIN, LOGOUT, ME, PASSWORD, REFRESH, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';

const idle = await startTestApp(t, { SESSION_IDLE_TTL: '10m', ACCESS_TOKEN_TTL: '1h', REMEMBER_ME_TTL: '30d' });
const MINUTE_MS = 60_000;
const login = async (app: TestApp, { username }: SeededUser) =>
  (await app.client().send(LOGIN, { input: { identifier: username, password: PASSWORD } })).data!['login'] as {
    accessToken: string;
    refreshToken: string;
  };
const codeOf = async (app: TestApp, token: string) => (await app.client({ token }).send(ME)).code;
const sidOf = (token: string) => String(claimsOf(token)['sid']);

t.test('rejects every credential of a session after the idle timeout', async (t) => {
  const user = await idle.user();
  idle.clock.advance(10 * MINUTE_MS - 1);
  t.equal(await codeOf(idle, user.accessToken), undefined);
  const other = await idle.user();
  idle.clock.advance(10 * MINUTE_MS);
  t.equal(await codeOf(idle, other.accessToken), 'INVALID_TOKEN');
  const answer = await idle.client().send(REFRESH, { refreshToken: other.refreshToken });
  t.equal(answer.code, 'INVALID_REFRESH_TOKEN');
  const { accessToken } = await login(idle, other);
  const { data } = await idle.client({ token: accessToken }).send('{ me { sessions { id } } }');
  t.same(data!['me'].sessions, [{ id: sidOf(accessToken) }], 'nor is it listed');
  const ended = await idle.client({ token: accessToken }).send('mutation { revokeOtherSessions }');
  t.equal(ended.data?.['revokeOtherSessions'], 0, 'nor counted among those that end');
});

t.test('keeps a session alive with requests', async (t) => {
  const user = await idle.user();
  for (let time = 0; time < 5; time += 1) {
    idle.clock.advance(4 * MINUTE_MS);
    t.equal(await codeOf(idle, user.accessToken), undefined);
    await idle.runJob('record session use');
  }
});

t.test('keeps a session alive with a refresh', async (t) => {
  let { refreshToken } = await idle.user();
  for (let time = 0; time < 3; time += 1) {
    idle.clock.advance(9 * MINUTE_MS);
    const answer = await idle.client().send(REFRESH, { refreshToken });
    t.equal(answer.code, undefined);
    refreshToken = answer.data!['refresh'].refreshToken;
  }
});

t.test('keeps an idle session until it expires without an idle timeout', async (t) => {
  const app = await startTestApp(t, { REFRESH_TOKEN_TTL: '30d' }, idle.db);
  const user = await app.user();
  app.clock.advance(29 * 24 * 60 * MINUTE_MS);
  t.equal((await app.client().send(REFRESH, { refreshToken: user.refreshToken })).code, undefined);
});

t.test('ends, audits and disconnects the oldest session at a login over the limit', async (t) => {
  const app = await startLiveApp(t, { SESSION_MAX_PER_ACCOUNT: '3' });
  const user = await app.user();
  const socket = await app.session(user.accessToken);
  app.clock.advance(1);
  const second = await login(app, user);
  app.clock.advance(1);
  const third = await login(app, user);
  t.equal(await codeOf(app, user.accessToken), undefined, 'up to the limit nothing ends');
  app.clock.advance(1);
  const fourth = await login(app, user);
  t.equal(await codeOf(app, user.accessToken), 'INVALID_TOKEN');
  t.equal((await socket.closed).code, 4401);
  for (const { accessToken } of [second, third, fourth]) t.equal(await codeOf(app, accessToken), undefined);
  const revoked = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'session.revoked');
  t.match(revoked, [{ sessionId: sidOf(user.accessToken), detail: 'over 3 sessions' }]);

  await app.client({ token: second.accessToken }).send(LOGOUT);
  await login(app, user);
  t.equal(await codeOf(app, third.accessToken), undefined, 'a session that has ended leaves room');
});

t.test('enforces the limit exactly for parallel logins on two instances', async (t) => {
  const one = await startTestApp(t, { SESSION_MAX_PER_ACCOUNT: '3' });
  const two = await startTestApp(t, { SESSION_MAX_PER_ACCOUNT: '3' }, one.db, one.clock);
  const user = await one.user();
  await Promise.all(Array.from({ length: 12 }, (_, n) => login(n % 2 === 0 ? one : two, user)));
  const count = async (condition: string) => {
    const rows = await one.db.executor
      .select({ count: sql<number>`count(*)::int` })
      .from(sql`sessions`)
      .where(sql`user_id = ${user.id} and ${sql.raw(condition)}`);
    return rows[0]?.count;
  };
  t.equal(await count('ended_at is null'), 3);
  t.equal(await count('ended_at is not null'), 10);
  const revoked = (await auditOf(one.db, user.id)).filter(({ type }) => type === 'session.revoked');
  t.equal(new Set(revoked.map(({ sessionId }) => sessionId)).size, 10);
  t.equal(revoked.length, 10, 'each is audited once');
});
