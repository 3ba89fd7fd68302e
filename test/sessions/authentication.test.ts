import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { LOGIN, LOGOUT, ME, REFRESH, setAccount } from '../helpers/seed.js';

const app = await startTestApp(t, { ACCESS_TOKEN_TTL: '15m' });
const client = app.client();
const SESSIONS = 'query { me { sessions { id current ipAddress userAgent createdAt lastUsedAt expiresAt } } }';
const withHeader = (authorization: string) => client.send(ME, {}, { headers: { authorization } });

t.test('rejects missing and malformed credentials', async (t) => {
  const missing = await client.send(ME);
  t.same([missing.code, missing.status, missing.data], ['MISSING_TOKEN', 401, null]);
  for (const value of ['Bearer', 'Bearer ', 'Bearer a b', 'Basic dTpw', 'Bearer x', `Bearer ${'a.'.repeat(5000)}`]) {
    t.equal((await withHeader(value)).code, 'INVALID_TOKEN', value.slice(0, 12));
  }
});

t.test('accepts the scheme in any case (RFC 9110 section 11.1)', async (t) => {
  const user = await app.user();
  t.equal((await withHeader(`bearer ${user.accessToken}`)).code, undefined);
});

t.test('rejects a refresh token as access token', async (t) => {
  const user = await app.user();
  t.equal((await withHeader(`Bearer ${user.refreshToken}`)).code, 'INVALID_TOKEN');
});

t.test('rejects an expired access token', async (t) => {
  const user = await app.user();
  app.clock.advance(899_000);
  t.equal((await user.client.send(ME)).code, undefined);
  app.clock.advance(1_000);
  const answer = await user.client.send(ME);
  t.same([answer.code, answer.status], ['TOKEN_EXPIRED', 401]);
});

t.test('ends only the own session at logout, immediately', async (t) => {
  const user = await app.user();
  const { data } = await client.send(LOGIN, { input: { identifier: user.username, password: user.password } });
  t.same((await user.client.send(LOGOUT)).data, { logout: true });
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await user.client.send(LOGOUT)).code, 'INVALID_TOKEN');
  t.equal((await client.send(ME, {}, { token: data?.['login'].accessToken })).code, undefined);
});

t.test('rejects tokens of disabled and deleted accounts immediately', async (t) => {
  const user = await app.user();
  await setAccount(app.db, user.id, 'disabled');
  const disabled = await user.client.send(ME);
  t.same([disabled.code, disabled.status], ['ACCOUNT_DISABLED', 403]);
  await setAccount(app.db, user.id, 'deleted');
  const deleted = await user.client.send(ME);
  t.same([deleted.code, deleted.status], ['USER_NOT_FOUND', 401]);
  await app.db.executor.execute(sql`delete from users where id = ${user.id}`);
  t.equal((await user.client.send(ME)).code, 'USER_NOT_FOUND');
});

t.test('does not reveal to an ended session that the account was disabled', async (t) => {
  const user = await app.user();
  await user.client.send(LOGOUT);
  app.clock.advance(1000);
  await app.db.executor.execute(
    sql`update users set disabled_at = ${new Date(app.clock.now()).toISOString()} where id = ${user.id}`,
  );
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await client.send(REFRESH, { refreshToken: user.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
});

t.test('rejects tokens of a deleted session row', async (t) => {
  const user = await app.user();
  await app.db.executor.execute(sql`delete from sessions where user_id = ${user.id}`);
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
});

t.test('lists live sessions by last use and marks the own one', async (t) => {
  const user = await app.user();
  const logins = [];
  for (const agent of ['Phone/1', 'Tablet/2']) {
    app.clock.advance(1000);
    const from = app.client({ ip: '203.0.113.9', headers: { 'user-agent': agent } });
    logins.push(await from.send(LOGIN, { input: { identifier: user.username, password: user.password } }));
  }
  const [phone] = logins.map(({ data }) => data?.['login'].accessToken as string);
  const { data } = await client.send(SESSIONS, {}, { token: phone });
  const sessions = data?.['me'].sessions as Record<string, unknown>[];
  t.same(sessions.map(({ userAgent, current }) => [userAgent, current]).slice(0, 2), [
    ['Tablet/2', false],
    ['Phone/1', true],
  ]);
  t.match(sessions[0], { ipAddress: '203.0.113.9', createdAt: /Z$/, expiresAt: /Z$/ });
  await client.send(LOGOUT, {}, { token: phone });
  const after = await user.client.send(SESSIONS);
  t.equal(after.data?.['me'].sessions.length, sessions.length - 1);
});

t.test('stores any User-Agent header safely', async (t) => {
  const user = await app.user();
  const from = app.client({ headers: { 'user-agent': `Odd\u00e9/1 ${'x'.repeat(2000)}` } });
  const { data } = await from.send(LOGIN, { input: { identifier: user.username, password: user.password } });
  const listed = await client.send(SESSIONS, {}, { token: data?.['login'].accessToken });
  t.equal(
    (listed.data?.['me'].sessions as { userAgent: string; current: boolean }[]).find(({ current }) => current)
      ?.userAgent.length,
    512,
  );
});
