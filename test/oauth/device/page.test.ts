/** The page for user codes (RFC 8628 section 3.3). */
import t from 'tap';
import { eq, sql } from 'drizzle-orm';
import { oauthClients, oauthDeviceCodes } from '../../../src/db/schema/index.js';
import { hashSecret } from '../../../src/oauth/secret.js';
import { startTestApp } from '../../helpers/app.js';
import { auditOf } from '../../helpers/audit-trail.js';
import { DEVICE_CODE } from '../../helpers/device-codes.js';
import { seedClient } from '../../helpers/oauth.js';
import { postForm, withSecret } from '../../helpers/oauth-requests.js';
import { oauthBrowser } from '../../helpers/oauth-browser.js';
import { registerAdmin, setAccount, type SeededUser } from '../../helpers/seed.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const { db } = app;
const credentials = ({ username, password }: SeededUser) => ({ identifier: username, password });

async function setUp(scope = 'read:content read:profile') {
  const seeded = await seedClient(app, {
    name: 'Bayit+ & <TV>',
    grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'],
    scopes: ['openid', 'read:content', 'read:profile', 'admin'],
  });
  const { body: issued } = await postForm(app, '/oauth/device_authorization', { ...withSecret(seeded), scope });
  const deviceCode = issued['device_code'] as string;
  const poll = async () => {
    const request = { grant_type: DEVICE_CODE, device_code: deviceCode, ...withSecret(seeded) };
    const { body } = await postForm(app, '/oauth/token', request);
    return (body['error'] ?? body['scope']) as string;
  };
  const row = async () => {
    const isIt = eq(oauthDeviceCodes.deviceCodeHash, hashSecret(deviceCode));
    const [found] = await db.executor.select().from(oauthDeviceCodes).where(isIt);
    return found!;
  };
  const user = await app.user();
  const browser = oauthBrowser(app.server);
  const userCode = issued['user_code'] as string;
  /** Types the code and signs in; the browser shows the question. */
  const reachQuestion = async () => {
    await browser.open('/device');
    await browser.submit({ user_code: userCode });
    return browser.submit(credentials(user));
  };
  return { seeded, issued, userCode, poll, row, user, browser, reachQuestion };
}

t.test('asks for the code, then for the sign-in, then whether the device is theirs, and connects it', async (t) => {
  const { userCode, poll, user, browser } = await setUp();
  const form = await browser.open('/device');
  t.match(form, { status: 200, path: '/device', body: /name="user_code"/ });
  t.match(form.headers['content-security-policy'], /frame-ancestors 'none'/);
  const login = await browser.submit({ user_code: ` ${userCode.toLowerCase().replace('-', ' ')} ` });
  t.match(login, { status: 200, path: '/oauth/login', body: /Bayit\+ &amp; &lt;TV&gt;/ });
  const question = await browser.submit(credentials(user));
  t.match(question, { status: 200, path: '/device', body: /Bayit\+ &amp; &lt;TV&gt;/ });
  t.match(question.body, /Is this device yours/);
  t.match(question.body, /Browse content for you/);
  t.match(question.body, user.email);
  t.equal(await poll(), 'authorization_pending');
  t.match(await browser.submit({ decision: 'allow' }), { status: 200, body: /The device is connected/ });
  t.equal(await poll(), 'read:content read:profile');
  const { detail } = (await auditOf(db, user.id)).find(({ type }) => type === 'oauth_device.approved') ?? {};
  t.match(detail, /^client /);
});

t.test('fills in the code of the complete link, and connects nothing before the answer', async (t) => {
  const { issued, userCode, poll, user, browser } = await setUp();
  const link = issued['verification_uri_complete'] as string;
  t.match((await browser.open(link)).body, `value="${userCode}"`);
  t.match(await browser.submit({ user_code: userCode }), { path: '/oauth/login' });
  t.match(await browser.submit(credentials(user)), { path: '/device', body: /Is this device yours/ });
  t.equal(await poll(), 'authorization_pending');
});

t.test('escapes the code of the link', async (t) => {
  const { browser } = await setUp();
  const { body } = await browser.open(`/device?user_code=${encodeURIComponent('"><script>')}`);
  t.match(body, 'value="&quot;&gt;&lt;script&gt;"');
  t.match((await browser.open('/device?user_code=A&user_code=B')).body, /name="user_code"/);
});

t.test('asks a signed-in person again for the next device', async (t) => {
  const { browser, reachQuestion } = await setUp();
  await reachQuestion();
  await browser.submit({ decision: 'allow' });
  const next = await setUp();
  await browser.open('/device');
  t.match(await browser.submit({ user_code: next.userCode }), { path: '/device', body: /Is this device yours/ });
});

t.test('denies the device', async (t) => {
  const { poll, user, browser, reachQuestion } = await setUp();
  await reachQuestion();
  t.match(await browser.submit({ decision: 'deny' }), { status: 200, body: /The device was denied/ });
  t.equal(await poll(), 'access_denied');
  t.ok((await auditOf(db, user.id)).some(({ type }) => type === 'oauth_device.denied'));
});

t.test('explains a wrong code, and keeps what was typed', async (t) => {
  const { browser, row } = await setUp();
  await browser.open('/device');
  const answer = await browser.submit({ user_code: 'BBBB-BBBB' });
  t.match(answer, { status: 400, path: '/device', body: /No device waits with this code/ });
  t.match(answer.body, 'value="BBBB-BBBB"');
  t.equal((await row()).status, 'pending');
});

t.test('answers 429 to too many codes', async (t) => {
  const { browser, userCode } = await setUp();
  await browser.open('/device');
  for (let attempt = 0; attempt < 50; attempt += 1) await browser.submit({ user_code: 'BBBB-BBBB' });
  const answer = await browser.submit({ user_code: userCode });
  t.match(answer, { status: 429, body: /Too many requests/ });
  t.match(answer.headers['retry-after'], /^\d+$/);
});

t.test('rejects forms of other sites, without the key, without an answer, and of another browser', async (t) => {
  const { userCode, user, browser, reachQuestion, row } = await setUp();
  await browser.open('/device');
  const crossSite = { 'sec-fetch-site': 'cross-site' };
  t.equal((await browser.submit({ user_code: userCode }, crossSite)).status, 403);
  t.equal((await browser.post('/device', { user_code: userCode })).status, 403);
  await reachQuestion();
  const hidden = browser.hidden();
  t.equal((await browser.post('/device', { ...hidden, decision: 'allow' }, crossSite)).status, 403);
  t.equal((await browser.post('/device', { request: hidden['request']!, decision: 'allow' })).status, 403);
  t.equal((await browser.post('/device', { ...hidden, decision: 'perhaps' })).status, 400);
  t.equal((await browser.post('/device', hidden)).status, 400);
  const stranger = oauthBrowser(app.server);
  await stranger.open('/device');
  t.equal((await stranger.post('/device', { ...hidden, decision: 'allow' })).status, 403);
  t.equal((await stranger.open(`/device?request=${hidden['request']}`)).status, 403);
  t.equal((await row()).status, 'pending');
  t.notOk((await auditOf(db, user.id)).some(({ type }) => type.startsWith('oauth_device.')));
});

t.test('rejects the form after somebody else has signed in with the browser', async (t) => {
  const { browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  const hidden = browser.hidden();
  const other = await app.user();
  await browser.open(`/oauth/login?request=${hidden['request']}`);
  t.match(await browser.submit(credentials(other)), { path: '/device', body: new RegExp(other.email) });
  t.equal((await browser.post('/device', { ...hidden, decision: 'allow' })).status, 403);
  t.equal((await row()).status, 'pending');
});

t.test('accepts one answer of a form that is sent several times', async (t) => {
  const { user, browser, reachQuestion } = await setUp();
  await reachQuestion();
  const fields = { ...browser.hidden(), decision: 'allow' };
  const answers = await Promise.all([1, 2, 3].map(() => browser.post('/device', fields)));
  t.same(answers.map(({ status }) => status).sort(), [200, 400, 400]);
  t.equal((await auditOf(db, user.id)).filter(({ type }) => type === 'oauth_device.approved').length, 1);
});

t.test('accepts one answer of two people with the same code', async (t) => {
  const { userCode, user, browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  const [other, second] = [await app.user(), oauthBrowser(app.server)];
  await second.open('/device');
  await second.submit({ user_code: userCode });
  await second.submit(credentials(other));
  t.equal((await browser.submit({ decision: 'allow' })).status, 200);
  t.match(await second.submit({ decision: 'deny' }), { status: 400, body: /no longer valid/ });
  t.match(await row(), { status: 'approved', userId: user.id });
});

t.test('rejects an answer after ten minutes', async (t) => {
  const { browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  app.clock.advance(600_000);
  t.equal((await browser.submit({ decision: 'allow' })).status, 400);
  t.equal((await row()).status, 'pending');
});

t.test('asks to sign in again if the session ended at the question', async (t) => {
  const { user, browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  await user.client.send('mutation { revokeOtherSessions }');
  const answer = await browser.submit({ decision: 'allow' });
  t.equal(answer.status, 403);
  t.equal((await row()).status, 'pending');
});

t.test('asks for a second factor that was added since the sign-in', async (t) => {
  const { user, browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  await db.executor.execute(sql`update users set has_second_factor = true where id = ${user.id}`);
  t.match(await browser.submit({ decision: 'allow' }), { path: '/oauth/login' });
  t.equal((await row()).status, 'pending');
});

for (const state of ['disabled', 'deleted'] as const)
  t.test(`approves nothing for an account that was ${state} at the question`, async (t) => {
    const { user, browser, reachQuestion, row } = await setUp();
    await reachQuestion();
    await setAccount(db, user.id, state);
    t.equal((await browser.submit({ decision: 'allow' })).status, 403);
    t.equal((await row()).status, 'pending');
  });

t.test('approves nothing for a client that was disabled at the question', async (t) => {
  const { seeded, browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  await db.executor.update(oauthClients).set({ disabledAt: new Date() }).where(eq(oauthClients.id, seeded.client.id));
  t.equal((await browser.submit({ decision: 'allow' })).status, 400);
  t.equal((await row()).status, 'pending');
});

t.test('grants the scopes that the account has at the answer, and no more after a promotion', async (t) => {
  const { user, poll, browser, reachQuestion } = await setUp('read:content admin');
  t.notMatch((await reachQuestion()).body, /Administer this service/);
  await browser.submit({ decision: 'allow' });
  await setAccount(db, user.id, 'role');
  t.equal(await poll(), 'read:content');
});

t.test('explains that the account has none of the scopes', async (t) => {
  const { browser, reachQuestion, row, poll } = await setUp('admin');
  t.match(await reachQuestion(), { status: 403, body: /none of the permissions/ });
  t.equal((await row()).status, 'pending');
  const admin = await registerAdmin(app);
  const second = await setUp('admin');
  await browser.open('/device');
  await browser.submit({ user_code: second.userCode });
  t.equal(await poll(), 'authorization_pending');
  await second.browser.open('/device');
  await second.browser.submit({ user_code: second.userCode });
  t.match(await second.browser.submit(credentials(admin)), { body: /Administer this service/ });
});

t.test('answers pages of a device with another request to the client', async (t) => {
  const { browser, reachQuestion, row } = await setUp();
  await reachQuestion();
  const hidden = browser.hidden();
  t.match(await browser.open(`/oauth/consent?request=${hidden['request']}`), { path: '/device' });
  t.not((await browser.post('/oauth/consent', { ...hidden, decision: 'allow' })).status, 200);
  t.equal((await row()).status, 'pending');
});
