import { eq } from 'drizzle-orm';
import t from 'tap';
import { emailCodes, mailOutbox, rateLimits, users } from '../../src/db/schema/index.js';
import { startTestApp, type TestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { LOGIN_BY_CODE, mailedCodes, REQUEST_CODE, requestCode, wrongCode } from '../helpers/email-codes.js';
import { LOGIN, ME, PASSWORD, REFRESH, setAccount, tokenIn, UPDATE_ME, type SeededUser } from '../helpers/seed.js';

const ENV = { EMAIL_LOGIN: 'true', RATE_LIMIT_FIELDS: 'requestEmailCode=1000/1m' };
const app = await startTestApp(t, ENV);
const VERIFY = 'mutation ($token: String!) { verifyEmail(token: $token) { isVerified } }';
const request = (email: string) => app.client().send(REQUEST_CODE, { email });
const login = (email: string, code: string, more: object = {}) =>
  app.client().send(LOGIN_BY_CODE, { input: { email, code, ...more } });
const rowOf = async (user: SeededUser) =>
  (await app.db.executor.select().from(emailCodes).where(eq(emailCodes.userId, user.id)))[0];

/** A user whose address is confirmed. */
async function verifiedUser(of: TestApp = app): Promise<SeededUser> {
  const user = await of.user();
  await of.client().send(VERIFY, { token: tokenIn(await of.mailTo(user.email)) });
  return user;
}

/** The code of the refusal, and whether the right code works after it. */
async function refusal(user: SeededUser, code: string, attempt: Promise<{ readonly code: string | undefined }>) {
  const refused = (await attempt).code;
  const row = await rowOf(user);
  return { refused, isLive: row !== undefined && (await login(user.email, code)).code === undefined };
}

t.test('opens a session by a mailed code, and changes nothing but the last login', async (t) => {
  const user = await verifiedUser();
  const before = (await app.db.executor.select().from(users).where(eq(users.id, user.id)))[0]!;
  app.clock.advance(1000);
  const { code } = await requestCode(app, user.email);
  const { data } = await login(user.email.toUpperCase(), code.toLowerCase().replace('-', ' '));
  t.match(data?.['loginWithEmailCode'], { user: { id: user.id, isVerified: true } });
  const after = (await app.db.executor.select().from(users).where(eq(users.id, user.id)))[0]!;
  t.same(after, { ...before, lastLoginAt: new Date(app.clock.now()) });
  t.equal((await user.client.send(ME)).code, undefined, 'other sessions stay');
  t.equal((await app.client().send(LOGIN, { input: { identifier: user.email, password: PASSWORD } })).code, undefined);
});

t.test('stores no code, and audits the request and the session', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  const row = JSON.stringify(await rowOf(user));
  t.notMatch(row, code.replace('-', ''));
  t.notMatch(row, linkToken);
  await login(user.email, code);
  const trail = await auditOf(app.db, user.id);
  t.match(trail.slice(0, 2), [
    { type: 'session.opened', detail: 'by email code' },
    { type: 'email_code.requested', actorId: null },
  ]);
});

t.test('accepts a code once', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  t.equal((await login(user.email, code)).code, undefined);
  const again = await login(user.email, code);
  t.same([again.code, again.status], ['INVALID_CODE', 401]);
  t.equal((await login(user.email, linkToken)).code, 'INVALID_TOKEN', 'nor its link');
});

t.test('accepts the token of the link in place of the code, whatever the address says', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  t.match((await login('', linkToken)).data?.['loginWithEmailCode'], { user: { id: user.id } });
  t.equal((await login(user.email, code)).code, 'INVALID_CODE');
  t.equal((await login(user.email, 'x'.repeat(43))).code, 'INVALID_TOKEN');
});

t.test('expires a code after ten minutes', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  app.clock.advance(600_000);
  t.equal((await login(user.email, code)).code, 'INVALID_CODE');
  t.equal((await login(user.email, linkToken)).code, 'INVALID_TOKEN');
  await app.runJob('clean up sign-in codes');
  t.equal(await rowOf(user), undefined);
});

t.test('voids the older code when a newer one is mailed', async (t) => {
  const user = await verifiedUser();
  const older = await requestCode(app, user.email);
  const newer = await requestCode(app, user.email);
  t.same(await refusal(user, newer.code, login(user.email, older.code)), { refused: 'INVALID_CODE', isLive: true });
});

t.test('refuses the right code after five wrong ones, and still accepts the link', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  // Each from a network of its own, so that the waits of the lockout do not count.
  for (let tries = 0; tries < 5; tries += 1) t.equal((await login(user.email, wrongCode(code))).code, 'INVALID_CODE');
  t.equal((await rowOf(user))?.tries, 5);
  t.equal((await login(user.email, code)).code, 'INVALID_CODE');
  t.equal((await login(user.email, linkToken)).code, undefined);
});

t.test('counts wrong codes as failed logins of the address', async (t) => {
  const user = await verifiedUser();
  const client = app.client();
  const codes = [];
  for (let tries = 0; tries < 6; tries += 1)
    codes.push((await client.send(LOGIN_BY_CODE, { input: { email: user.email, code: '0000-0000' } })).code);
  t.same(codes, [...Array<string>(5).fill('INVALID_CODE'), 'RATE_LIMIT_EXCEEDED']);
  const password = { identifier: user.email, password: PASSWORD };
  t.equal((await client.send(LOGIN, { input: password })).code, 'RATE_LIMIT_EXCEEDED');
  t.match(
    (await auditOf(app.db, user.id)).filter(({ type }) => type === 'login.failed'),
    Array(5).fill({ detail: 'email code', actorId: null }),
  );
});

t.test('answers alike for a wrong code and for unknown, deleted and malformed addresses', async (t) => {
  const [user, deleted] = [await verifiedUser(), await verifiedUser()];
  await requestCode(app, user.email);
  await setAccount(app.db, deleted.id, 'deleted');
  const wrong = await login(user.email, '0000-0000');
  for (const email of ['nobody@mail.test', deleted.email, user.username, '', '\u0000', 'x'.repeat(9000)]) {
    const answer = await login(email, '0000-0000');
    t.same([answer.status, answer.errors], [wrong.status, wrong.errors], email.slice(0, 20));
  }
});

t.test('sends the same response for every address, and no code to an account that cannot log in', async (t) => {
  const [disabled, deleted] = [await app.user(), await app.user()];
  await setAccount(app.db, disabled.id, 'disabled');
  await setAccount(app.db, deleted.id, 'deleted');
  const known = await request((await app.user()).email);
  for (const email of ['nobody@mail.test', disabled.email, deleted.email]) {
    const answer = await request(email);
    t.same([answer.status, answer.data, answer.errors], [known.status, known.data, known.errors]);
    t.same(await mailedCodes(app, email), []);
  }
  t.equal((await request('x')).code, 'VALIDATION_ERROR');
});

t.test('costs the same transactions for an unknown address as for a wrong code', async (t) => {
  let transactions = 0;
  const counting = {
    ...app.db,
    transaction: <T>(work: Parameters<typeof app.db.transaction<T>>[0]) => {
      transactions += 1;
      return app.db.transaction(work);
    },
  };
  const counted = await startTestApp(t, ENV, counting);
  const user = await verifiedUser(counted);
  await counted.db.executor.delete(rateLimits);
  const { code } = await requestCode(counted, user.email);
  const during = async (email: string) => {
    const before = transactions;
    await counted.client().send(LOGIN_BY_CODE, { input: { email, code: wrongCode(code) } });
    return transactions - before;
  };
  t.equal(await during('nobody@mail.test'), await during(user.email));
  const written = (await counted.db.executor.select().from(rateLimits)).filter(({ key }) =>
    key.startsWith('email code|'),
  );
  t.not(written.length, 0, 'each of which writes');
});

t.test('limits an account to three codes an hour without changing the response', async (t) => {
  const user = await verifiedUser();
  for (let time = 0; time < 5; time += 1) {
    t.equal((await request(user.email)).data?.['requestEmailCode'], true);
    await app.mailTo(user.email);
  }
  t.equal((await mailedCodes(app, user.email)).length, 3);
  t.equal((await auditOf(app.db, user.id)).filter(({ type }) => type === 'email_code.requested').length, 3);
});

t.test('limits a mailbox to six codes an hour over all accounts with its address', async (t) => {
  const tags = ['a', 'b', 'c'].map((tag) => `mailbox+${tag}@mail.test`);
  for (const email of tags) {
    await app.user({ email });
    for (let time = 0; time < 3; time += 1) await request(email);
  }
  const codes = await Promise.all(tags.map((email) => mailedCodes(app, email)));
  t.equal(codes.flat().length, 6);
});

t.test('says that an account is disabled only for the right code', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  await setAccount(app.db, user.id, 'disabled');
  t.equal((await login(user.email, wrongCode(code))).code, 'INVALID_CODE');
  t.equal((await login(user.email, code)).code, 'ACCOUNT_DISABLED');
  t.match((await auditOf(app.db, user.id))[0], { type: 'login.failed', detail: 'disabled' });
  t.equal((await login(user.email, linkToken)).code, 'INVALID_TOKEN', 'the code is used');
});

t.test('confirms the address, and voids everything that an earlier registration set up', async (t) => {
  const user = await app.user();
  await user.client.send(UPDATE_ME, { input: { email: `thief-${user.email}` } });
  const [verification] = [tokenIn(await app.mailTo(`thief-${user.email}`))];
  const { code } = await requestCode(app, user.email);
  const { data } = await login(user.email, code);
  t.match(data?.['loginWithEmailCode'], { user: { id: user.id, isVerified: true, pendingEmail: null } });
  t.equal(
    (await app.client().send(LOGIN, { input: { identifier: user.email, password: PASSWORD } })).code,
    'INVALID_CREDENTIALS',
  );
  t.equal((await user.client.send(ME)).code, 'INVALID_TOKEN');
  t.equal((await app.client().send(REFRESH, { refreshToken: user.refreshToken })).code, 'INVALID_REFRESH_TOKEN');
  t.equal((await app.client().send(VERIFY, { token: verification })).code, 'INVALID_TOKEN');
  const own = app.client({ token: data?.['loginWithEmailCode'].accessToken as string });
  t.equal((await own.send(ME)).code, undefined);
});

t.test('tells the mailbox that an earlier password no longer works', async (t) => {
  const user = await app.user();
  await login(user.email, (await requestCode(app, user.email)).code);
  t.match((await app.mailTo(user.email)).at(-1)?.subject, 'no longer works');
  t.match(
    (await auditOf(app.db, user.id)).find(({ type }) => type === 'email.verified'),
    { detail: 'by email code, 1 sessions ended, password voided' },
  );
});

t.test('issues a challenge for an account with a second factor, whose unconfirmed address stays so', async (t) => {
  const user = await app.user();
  await app.db.executor.update(users).set({ hasSecondFactor: true }).where(eq(users.id, user.id));
  const { code } = await requestCode(app, user.email);
  const answer = await login(user.email, code);
  t.match(answer, { status: 401, code: 'SECOND_FACTOR_REQUIRED' });
  t.match((await user.client.send('{ me { isVerified } }')).data, { me: { isVerified: false } });
  t.equal(
    (await app.client().send(LOGIN, { input: { identifier: user.email, password: PASSWORD } })).code,
    'SECOND_FACTOR_REQUIRED',
    'the password stays',
  );
  t.equal((await login(user.email, code)).code, 'INVALID_CODE', 'the code is used');
});

t.test('keeps earlier failures until the second factor is proved, and counts no right code', async (t) => {
  const user = await verifiedUser();
  await app.db.executor.update(users).set({ hasSecondFactor: true }).where(eq(users.id, user.id));
  const { code } = await requestCode(app, user.email);
  const client = app.client();
  const codes = [];
  for (const tried of [...Array<string>(4).fill(wrongCode(code)), code, '0000-0000', '0000-0000'])
    codes.push((await client.send(LOGIN_BY_CODE, { input: { email: user.email, code: tried } })).code);
  t.same(codes.slice(4), ['SECOND_FACTOR_REQUIRED', 'INVALID_CODE', 'RATE_LIMIT_EXCEEDED']);
});

t.test('voids a code when the sessions of the account end', async (t) => {
  const user = await verifiedUser();
  await requestCode(app, user.email);
  await user.client.send('mutation { revokeOtherSessions }');
  t.equal(await rowOf(user), undefined);
});

t.test('refuses a code for a former address of the account', async (t) => {
  const user = await verifiedUser();
  const { code, linkToken } = await requestCode(app, user.email);
  const email = `new-${user.email}`;
  await user.client.send(UPDATE_ME, { input: { email } });
  await app.client().send(VERIFY, { token: tokenIn(await app.mailTo(email)) });
  for (const address of [user.email, email]) t.equal((await login(address, code)).code, 'INVALID_CODE');
  t.equal((await login(email, linkToken)).code, 'INVALID_TOKEN');
});

t.test('keeps the refresh token in a cookie if asked to, and honours rememberMe', async (t) => {
  const user = await verifiedUser();
  const { code } = await requestCode(app, user.email);
  const { data, headers } = await login(user.email, code, { transport: 'COOKIE', rememberMe: true });
  t.equal(data?.['loginWithEmailCode'].refreshToken, null);
  t.match(String(headers['set-cookie']), /latchkey-refresh=.*Expires=/);
  t.match(String(headers['set-cookie']), 'latchkey-device=');
});

t.test('refuses both fields unless EMAIL_LOGIN is on', async (t) => {
  const off = await startTestApp(t, {}, app.db);
  const user = await verifiedUser();
  const { code } = await requestCode(app, user.email);
  const input = { email: user.email, code };
  for (const answer of [
    await off.client().send(REQUEST_CODE, { email: user.email }),
    await off.client().send(LOGIN_BY_CODE, { input }),
  ])
    t.match(answer, { status: 400, code: 'QUERY_REJECTED', errors: [{ message: /EMAIL_LOGIN/ }] });
  t.equal((await rowOf(user))?.tries, 0);
  t.equal((await app.db.executor.select().from(mailOutbox).where(eq(mailOutbox.kind, 'email_code'))).length, 0);
});
