/** Guesses at one account from many addresses, and the access of its owner meanwhile. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { accountKey } from '../../src/passwords/counters.js';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN, PASSWORD, tokenIn, type SeededUser } from '../helpers/seed.js';

const OPTIONS = { RATE_LIMIT_FIELDS: 'login=100000/1m,changePassword=1000/1m', RATE_LIMIT_ANONYMOUS: '1000000/1m' };
const app = await startTestApp(t, OPTIONS);
const WRONG = 'wrong horse battery staple';
const NEW = 'a brand new brass telescope';
const RESET = 'mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { accessToken } }';
const login = (ip: string, identifier: string, password: string, cookie?: string, at: TestApp = app) =>
  at.client({ ip, ...(cookie ? { headers: { cookie } } : {}) }).send(LOGIN, { input: { identifier, password } });
/** An address in a /24 of its own. */
const elsewhere = (n: number) => `198.${n >> 8}.${n & 255}.1`;
const deviceOf = (answer: Awaited<ReturnType<typeof login>>) =>
  [answer.headers['set-cookie'] ?? []].flat().find((cookie) => cookie.startsWith('latchkey-device='));
const pairOf = (cookie: string | undefined) => cookie!.split(';')[0]!;

/** A user with the cookie of a browser that signed in. */
async function known(): Promise<{ user: SeededUser; cookie: string }> {
  const user = await app.user();
  return { user, cookie: pairOf(deviceOf(await login('192.0.2.1', user.username, PASSWORD))) };
}

/** Makes a wrong guess count as so many in a row. */
async function failures({ id, username }: SeededUser, count: number): Promise<void> {
  await login(elsewhere(999), username, WRONG);
  await app.db.executor.execute(sql`update password_attempts set failures = ${count} where key = ${accountKey(id)}`);
}

t.test('gives an IPv6 /48 the budget of four addresses and a /56 that of two', async (t) => {
  const user = await app.user();
  const admitted = async (ips: readonly string[]) => {
    let count = 0;
    for (const ip of ips) if ((await login(ip, user.username, WRONG)).code === 'INVALID_CREDENTIALS') count += 1;
    return count;
  };
  t.equal(await admitted(Array.from({ length: 60 }, (_, n) => `2001:db8:1:${n.toString(16)}::1`)), 10, 'one /56');
  t.equal(
    await admitted(Array.from({ length: 60 }, (_, n) => `2001:db8:1:${(n + 1).toString(16)}00::1`)),
    10,
    'the rest',
  );
  t.equal(await admitted(Array.from({ length: 60 }, (_, n) => `2001:db8:2:${n.toString(16)}00::1`)), 20, 'another /48');
  t.equal(await admitted(Array.from({ length: 60 }, (_, n) => `203.0.113.${n}`)), 20, 'an IPv4 /24');
});

t.test('locks an account after a hundred consecutive failures, except for known devices', async (t) => {
  const { user, cookie } = await known();
  for (let n = 0; n < 100; n += 1)
    t.equal((await login(elsewhere(n), user.username, WRONG)).code, 'INVALID_CREDENTIALS');
  const refused = await login('192.0.2.77', user.username, PASSWORD);
  t.equal(refused.code, 'INVALID_CREDENTIALS', 'the answer for a wrong password');
  t.equal((await login('192.0.2.78', user.email, PASSWORD)).code, 'INVALID_CREDENTIALS', 'by its other name');
  t.equal((await login('192.0.2.79', user.username, PASSWORD, cookie)).code, undefined);
  t.equal((await login('192.0.2.77', user.username, PASSWORD)).code, 'INVALID_CREDENTIALS', 'which unlocks nothing');
  const locked = (await auditOf(app.db, user.id)).filter(({ type }) => type === 'account.locked');
  t.equal(locked.length, 1);
  const mails = (await app.mailTo(user.email)).filter(({ subject }) => subject.includes('Too many'));
  t.equal(mails.length, 1);
  const input = { token: tokenIn(mails), password: NEW };
  t.equal((await app.client().send(RESET, { input })).code, undefined);
  t.equal((await login(elsewhere(300), user.username, NEW)).code, undefined, 'a proof by mail unlocks it');
  t.equal((await login(elsewhere(301), user.username, WRONG, cookie)).code, 'INVALID_CREDENTIALS');
});

t.test('resets the consecutive failures after a successful login', async (t) => {
  const user = await app.user();
  await failures(user, 99);
  t.equal((await login('192.0.2.1', user.username, PASSWORD)).code, undefined);
  t.equal((await login(elsewhere(2), user.username, WRONG)).code, 'INVALID_CREDENTIALS');
  t.equal((await login('192.0.2.1', user.username, PASSWORD)).code, undefined);
});

t.test('gives the same responses for an unknown identifier as for a locked account', async (t) => {
  for (let n = 0; n < 3; n += 1) await login(elsewhere(n), 'nobody-has-this-name', WRONG);
  const unknown = await login('192.0.2.90', 'nobody-has-this-name', PASSWORD);
  const user = await app.user();
  await failures(user, 99);
  await login(elsewhere(2), user.username, WRONG);
  const answer = await login('192.0.2.90', user.username, PASSWORD);
  t.same([answer.status, answer.data, answer.errors], [unknown.status, unknown.data, unknown.errors]);
});

t.test('enforces the ceiling exactly for concurrent guesses on two instances', async (t) => {
  const other = await startTestApp(t, OPTIONS, app.db, app.clock);
  const user = await app.user();
  await failures(user, 90);
  const guess = (n: number) => login(elsewhere(n), user.username, WRONG, undefined, n % 2 ? app : other);
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => guess(n + 100)));
  t.same(new Set(answers.map(({ code }) => code)), new Set(['INVALID_CREDENTIALS']));
  const rows = await app.db.executor.execute(sql`select max(failures)::int as most from password_attempts`);
  const [row] = Array.isArray(rows) ? rows : (rows as { rows: unknown[] }).rows;
  t.same(row, { most: 100 });
  t.equal((await login('192.0.2.91', user.username, PASSWORD)).code, 'INVALID_CREDENTIALS');
});

t.test('limits lockout emails per mailbox', async (t) => {
  const user = await app.user();
  for (let round = 0; round < 5; round += 1) {
    await failures(user, 99);
    await login(elsewhere(round + 1), user.username, WRONG);
    await app.mailTo(user.email);
    await app.db.executor.execute(sql`delete from password_attempts`);
    app.clock.advance(3_600_000);
  }
  const mails = (await app.mailTo(user.email)).filter(({ subject }) => subject.includes('Too many'));
  t.equal(mails.length, 3);
});

t.test('keeps the budget of a known device when others in its network fail', async (t) => {
  const { user, cookie } = await known();
  for (let n = 0; n < 7; n += 1) await login('203.0.113.200', user.username, WRONG);
  t.equal((await login('203.0.113.200', user.username, PASSWORD)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await login('203.0.113.200', user.username, PASSWORD, cookie)).code, undefined);
  t.equal((await login('203.0.113.200', user.email, PASSWORD, cookie)).code, undefined);
});

t.test('applies waits to a known device and forgets it after twenty failures', async (t) => {
  const { user, cookie } = await known();
  const codes = [];
  for (let n = 0; n < 6; n += 1) codes.push((await login(elsewhere(n), user.username, WRONG, cookie)).code);
  t.same(codes.slice(-2), ['INVALID_CREDENTIALS', 'RATE_LIMIT_EXCEEDED']);
  t.equal((await login(elsewhere(1), user.username, PASSWORD)).code, undefined, 'other devices are not concerned');
  for (let n = 5; n < 20; n += 1) {
    app.clock.advance(900_000);
    t.equal((await login(elsewhere(n), user.username, WRONG, cookie)).code, 'INVALID_CREDENTIALS');
  }
  const rows = await app.db.executor.execute(sql`select 1 from known_devices where user_id = ${user.id}`);
  t.equal(
    (Array.isArray(rows) ? rows : (rows as { rows: unknown[] }).rows).length,
    2,
    'registered, and from elsewhere',
  );
});

t.test('sets an HttpOnly device cookie and keeps it across logins', async (t) => {
  const user = await app.user();
  const cookie = deviceOf(await login('192.0.2.1', user.username, PASSWORD))!;
  for (const attribute of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Expires=']) t.match(cookie, attribute);
  app.clock.advance(86_400_000);
  const again = deviceOf(await login('192.0.2.1', user.username, PASSWORD, pairOf(cookie)))!;
  t.equal(pairOf(again), pairOf(cookie));
  t.not(again, cookie, 'for longer');
  const foreign = await app
    .client({ headers: { origin: 'https://evil.test' } })
    .send(LOGIN, { input: { identifier: user.username, password: PASSWORD } });
  t.equal(foreign.code, undefined);
  t.equal(deviceOf(foreign), undefined, 'a foreign page gets none');
});

t.test('replaces a planted device token at login and keeps the browser known to its other accounts', async (t) => {
  const [attacker, victim] = [await known(), await app.user()];
  const planted = attacker.cookie;
  const fresh = pairOf(deviceOf(await login('192.0.2.1', victim.username, PASSWORD, planted)));
  t.not(fresh, planted);
  for (let n = 0; n < 6; n += 1) await login('203.0.113.201', victim.username, WRONG);
  t.equal((await login('203.0.113.201', victim.username, PASSWORD, planted)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await login('203.0.113.201', victim.username, PASSWORD, fresh)).code, undefined);
  for (let n = 0; n < 6; n += 1) await login('203.0.113.202', attacker.user.username, WRONG);
  t.equal((await login('203.0.113.202', attacker.user.username, PASSWORD, fresh)).code, undefined);
  t.equal((await login('203.0.113.203', victim.username, PASSWORD, 'latchkey-device=x')).code, undefined, 'no token');
});

t.test('limits a stolen session to twenty guesses from all networks', async (t) => {
  const user = await app.user();
  const document = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
  const guess = (n: number, currentPassword: string) =>
    user.client.send(document, { input: { currentPassword, newPassword: NEW } }, { ip: elsewhere(n) });
  for (let n = 0; n < 20; n += 1) t.equal((await guess(n, WRONG)).code, 'INVALID_CREDENTIALS');
  t.equal((await guess(50, PASSWORD)).code, 'INVALID_CREDENTIALS');
  t.equal((await login('192.0.2.1', user.username, PASSWORD)).code, undefined, 'the owner logs in again');
});

t.test('forgets other devices after a password change and all devices after a reset', async (t) => {
  const { user, cookie } = await known();
  const thief = pairOf(deviceOf(await login('192.0.2.5', user.username, PASSWORD)));
  const document = 'mutation ($input: ChangePasswordInput!) { changePassword(input: $input) { accessToken } }';
  const input = { currentPassword: PASSWORD, newPassword: NEW };
  t.equal((await user.client.send(document, { input }, { headers: { cookie } })).code, undefined);
  for (let n = 0; n < 6; n += 1) await login('203.0.113.204', user.username, WRONG);
  t.equal((await login('203.0.113.204', user.username, NEW, thief)).code, 'RATE_LIMIT_EXCEEDED');
  t.equal((await login('203.0.113.204', user.username, NEW, cookie)).code, undefined);
});

t.test('deletes counters and devices of a purged account', async (t) => {
  const { user } = await known();
  await login(elsewhere(1), user.username, WRONG);
  app.clock.advance(3_600_000);
  await app.runJob('clean up password attempts');
  const count = async (table: string) => {
    const rows = await app.db.executor.execute(sql.raw(`select count(*)::int as count from ${table}`));
    return ((Array.isArray(rows) ? rows : (rows as { rows: unknown[] }).rows)[0] as { count: number }).count;
  };
  const before = await count('password_attempts');
  await app.db.executor.execute(sql`update users set deleted_at = now() - interval '400 days' where id = ${user.id}`);
  await app.runJob('purge deleted accounts');
  t.equal(await count('password_attempts'), before - 1);
  const devices = await app.db.executor.execute(sql`select 1 from known_devices where user_id = ${user.id}`);
  t.equal((Array.isArray(devices) ? devices : (devices as { rows: unknown[] }).rows).length, 0);
  app.clock.advance(181 * 86_400_000);
  await app.runJob('clean up known devices');
  t.equal(await count('known_devices'), 0);
});
