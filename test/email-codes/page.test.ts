/** The page behind the link in a mail with a sign-in code. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { sessions, users } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { LOGIN_BY_CODE, requestCode } from '../helpers/email-codes.js';
import { mailedPage } from '../helpers/mailed-page.js';
import { ME, setAccount } from '../helpers/seed.js';
import { enrollTotp, totpCode, wrongCode as wrongTotp } from '../helpers/totp.js';

const app = await startTestApp(t, { EMAIL_LOGIN: 'true' });
const sessionsOf = (id: string) => app.db.executor.select().from(sessions).where(eq(sessions.userId, id));
const liveSessions = async (id: string) => (await sessionsOf(id)).filter(({ endedAt }) => endedAt === null);
/** As browsers send it from a page with Referrer-Policy: no-referrer. */
const OPAQUE = { origin: 'null' };

t.test('opening the link spends nothing, and the button signs the browser in', async (t) => {
  const user = await app.user();
  const { code, link } = await requestCode(app, user.email);
  for (let scan = 0; scan < 3; scan += 1) {
    const { body, statusCode } = await mailedPage(app.server).open(link);
    t.equal(statusCode, 200);
    t.match(body, '<button type="submit">Sign in</button>');
    t.notMatch(body, /<script/);
  }
  const page = mailedPage(app.server);
  await page.open(link);
  const done = await page.press({}, OPAQUE);
  t.match(done, { statusCode: 200, body: `You are signed in as ${user.email}` });
  const refreshToken = page.jar.get('latchkey-refresh');
  const { data } = await app.client().send('mutation ($t: String) { refresh(refreshToken: $t) { accessToken } }', {
    t: refreshToken,
  });
  const me = await app.client({ token: data?.['refresh'].accessToken as string }).send(ME);
  t.match(me.data, { me: { id: user.id } });
  t.equal((await app.client().send(LOGIN_BY_CODE, { input: { email: user.email, code } })).code, 'INVALID_CODE');
});

t.test('keeps the refresh token from scripts and other sites, until the browser closes', async (t) => {
  const user = await app.user();
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, user.email)).link);
  const cookies = [(await page.press({}, OPAQUE)).headers['set-cookie']].flat();
  t.match(
    cookies.find((cookie) => cookie?.startsWith('latchkey-refresh=')),
    /^[^;]+; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  t.ok(page.jar.get('latchkey-device'), 'and the device is known');
});

t.test('signs in once, and tells a second press so', async (t) => {
  const user = await app.user();
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, user.email)).link);
  const answers = await Promise.all([page.press(), page.press(), page.press()]);
  t.equal(answers.filter(({ body }) => body.includes('You are signed in as')).length, 1);
  t.equal(answers.filter(({ body }) => body.includes('<h1>Already done</h1>')).length, 2);
  t.equal((await liveSessions(user.id)).length, 1);
});

t.test('ends the session that the browser had before', async (t) => {
  const [first, second] = [await app.user(), await app.user()];
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, first.email)).link);
  await page.press();
  await page.open((await requestCode(app, second.email)).link);
  t.match(await page.press({}, OPAQUE), { statusCode: 200, body: `signed in as ${second.email}` });
  t.same(await liveSessions(first.id), []);
});

t.test('rejects a form that another site submits, and opens no session', async (t) => {
  const user = await app.user();
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, user.email)).link);
  t.equal((await page.press({}, { 'sec-fetch-site': 'cross-site', ...OPAQUE })).statusCode, 403);
  t.equal((await page.press({ link: 'forged' }, OPAQUE)).statusCode, 409);
  t.equal(page.jar.has('latchkey-refresh'), false);
  t.equal((await page.press({}, OPAQUE)).statusCode, 200, 'the link still works');
});

/** An account with an authenticator app, and a browser that pressed the button of its link. */
async function challenged() {
  const user = await app.user();
  const enrolled = await enrollTotp(user.client, () => app.clock.now());
  app.clock.advance(30_000);
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, user.email)).link);
  const shown = await page.press({}, OPAQUE);
  const challenge = /name="challenge" value="([\w-]{43})"/.exec(shown.body)?.[1];
  if (challenge === undefined) throw new Error('The page asks for no code');
  return { ...user, ...enrolled, page, shown, challenge };
}

t.test('asks for the second factor, and signs in with a code of the app', async (t) => {
  const { id, email, secret, page, shown, challenge } = await challenged();
  t.match(shown, { statusCode: 200, body: /<input [^>]*name="code"[^>]*autocomplete="one-time-code"/ });
  t.notMatch(shown.body, /<script/);
  t.equal(page.jar.has('latchkey-refresh'), false);
  const wrong = await page.press({ challenge, code: wrongTotp(secret, app.clock.now()) }, OPAQUE);
  t.match(wrong, { statusCode: 401, body: /name="challenge"[^]*name="code"/ });
  const done = await page.press({ challenge, code: totpCode(secret, app.clock.now()) }, OPAQUE);
  t.match(done, { statusCode: 200, body: `signed in as ${email}` });
  t.ok(page.jar.get('latchkey-refresh'));
  const [session] = (await liveSessions(id)).filter(({ amr }) => amr.includes('email'));
  t.same([...session!.amr].sort(), ['email', 'mfa', 'otp']);
});

t.test('signs in with a recovery code, once', async (t) => {
  const { recoveryCodes, email, page, challenge } = await challenged();
  t.match((await page.press({ challenge, code: recoveryCodes[0]! }, OPAQUE)).body, `signed in as ${email}`);
  const again = await page.press({ challenge, code: recoveryCodes[0]! }, OPAQUE);
  t.match(again, { statusCode: 401, body: 'The sign-in was finished' });
});

t.test('finishes a challenge only in the browser of the first step', async (t) => {
  const { secret, page, challenge } = await challenged();
  page.jar.delete('latchkey-challenge');
  const answer = await page.press({ challenge, code: totpCode(secret, app.clock.now()) }, OPAQUE);
  t.match(answer, { statusCode: 401, body: 'no longer valid' });
  t.equal(page.jar.has('latchkey-refresh'), false);
});

t.test('opens no session for an account whose second factor needs a script', async (t) => {
  const user = await app.user();
  await app.db.executor.update(users).set({ hasSecondFactor: true }).where(eq(users.id, user.id));
  const before = await sessionsOf(user.id);
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, user.email)).link);
  t.match((await page.press()).body, 'passkey');
  t.same(await sessionsOf(user.id), before);
  t.equal(page.jar.has('latchkey-refresh'), false);
});

t.test('explains a disabled account', async (t) => {
  const user = await app.user();
  const page = mailedPage(app.server);
  await page.open((await requestCode(app, user.email)).link);
  await setAccount(app.db, user.id, 'disabled');
  t.match(await page.press(), { statusCode: 403, body: 'The account is disabled.' });
});

t.test('serves no page unless EMAIL_LOGIN is on', async (t) => {
  const off = await startTestApp(t, {}, app.db);
  t.equal((await off.server.inject('/email-code')).statusCode, 404);
});
