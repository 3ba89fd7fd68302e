import { sql } from 'drizzle-orm';
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import type { AnyData } from '../helpers/client.js';
import { LOGOUT, ME, REFRESH, setAccount } from '../helpers/seed.js';

const app = await startTestApp(t, { REFRESH_GRACE: '10s' });
const client = app.client();
const refresh = (refreshToken: unknown) => client.send(REFRESH, { refreshToken });
const tokenOf = (answer: { data?: AnyData | null | undefined }) => answer.data?.['refresh'].refreshToken as string;
const audited = async (userId: string) =>
  JSON.stringify(await app.db.executor.execute(sql`select type from audit_events where user_id = ${userId}`));

t.test('issues new tokens for the same session', async (t) => {
  const user = await app.user();
  app.clock.advance(1000);
  const answer = await refresh(user.refreshToken);
  t.match(answer.data?.['refresh'], { tokenType: 'Bearer', expiresIn: 900, user: { id: user.id } });
  t.not(tokenOf(answer), user.refreshToken);
  t.equal((await client.send(ME, {}, { token: answer.data?.['refresh'].accessToken })).data?.['me'].id, user.id);
  t.equal((await refresh(tokenOf(answer))).code, undefined, 'and the new one works in turn');
});

t.test('returns the same successor for a retry within the grace time', async (t) => {
  const user = await app.user();
  const first = tokenOf(await refresh(user.refreshToken));
  app.clock.advance(9_999);
  t.equal(tokenOf(await refresh(user.refreshToken)), first);
  t.equal((await refresh(first)).code, undefined, 'which still works');
});

t.test('ends and audits the session when a rotated token is used after the grace time', async (t) => {
  const user = await app.user();
  const first = await refresh(user.refreshToken);
  app.clock.advance(10_000);
  const reused = await refresh(user.refreshToken);
  t.same([reused.code, reused.status], ['INVALID_REFRESH_TOKEN', 401]);
  t.equal((await refresh(tokenOf(first))).code, 'INVALID_REFRESH_TOKEN', 'the successor has ended too');
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN', 'and so has its access token');
  t.match(await audited(user.id), /session\.reuse_detected/);
});

t.test('ends the session when an older token is used, even within the grace time', async (t) => {
  const user = await app.user();
  const second = tokenOf(await refresh(tokenOf(await refresh(user.refreshToken))));
  t.equal((await refresh(user.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await refresh(second)).code, 'INVALID_REFRESH_TOKEN');
});

t.test('ends only the affected session on reuse', async (t) => {
  const user = await app.user();
  const other = await client.send('mutation ($input: LoginInput!) { login(input: $input) { refreshToken } }', {
    input: { identifier: user.username, password: user.password },
  });
  await refresh(user.refreshToken);
  app.clock.advance(10_000);
  await refresh(user.refreshToken);
  t.equal((await refresh(other.data?.['login'].refreshToken)).code, undefined);
});

t.test('returns the same successor to parallel refreshes', async (t) => {
  const user = await app.user();
  const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(user.refreshToken)));
  t.same(answers.map(({ code }) => code).filter(Boolean), []);
  t.equal(new Set(answers.map(tokenOf)).size, 1);
});

t.test('rejects forged and malformed tokens', async (t) => {
  const user = await app.user();
  const other = await startTestApp(t, { AUTH_SECRET: 'another secret of more than thirty-two bytes' });
  const foreign = await other.user();
  const bytes = Buffer.from(user.refreshToken, 'base64url');
  bytes[19]! ^= 1;
  const forged = [
    '',
    'x',
    user.accessToken,
    foreign.refreshToken,
    bytes.toString('base64url'),
    `${user.refreshToken}=`,
    `${user.refreshToken}A`,
    'A'.repeat(30_000),
    '\u0000',
  ];
  for (const token of forged) t.equal((await refresh(token)).code, 'INVALID_REFRESH_TOKEN', token.slice(0, 20));
  t.equal((await refresh(null)).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await refresh(user.refreshToken)).code, undefined);
});

t.test('rejects an expired session, whose expiry does not move with use', async (t) => {
  const user = await app.user();
  app.clock.advance(86_399_000);
  const renewed = await refresh(user.refreshToken);
  t.equal(renewed.code, undefined);
  app.clock.advance(1_000);
  t.equal((await refresh(tokenOf(renewed))).code, 'INVALID_REFRESH_TOKEN');
});

t.test('rejects a refresh token after logout', async (t) => {
  const user = await app.user();
  t.equal((await user.client.send(LOGOUT)).data?.['logout'], true);
  t.equal((await refresh(user.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
});

t.test('rejects disabled and deleted accounts without rotating the token', async (t) => {
  const user = await app.user();
  await setAccount(app.db, user.id, 'disabled');
  t.equal((await refresh(user.refreshToken)).code, 'ACCOUNT_DISABLED');
  await setAccount(app.db, user.id, 'enabled');
  t.equal((await refresh(user.refreshToken)).code, undefined, 'nothing was spent');
  const deleted = await app.user();
  await setAccount(app.db, deleted.id, 'deleted');
  t.equal((await refresh(deleted.refreshToken)).code, 'INVALID_REFRESH_TOKEN');
});

t.test('grants the scopes of a new role at the next refresh', async (t) => {
  const user = await app.user();
  await setAccount(app.db, user.id, 'role');
  t.match((await refresh(user.refreshToken)).data?.['refresh'], { scope: /\badmin$/ });
});
