/** The login and consent pages: who may answer a request, how often, and what is remembered. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import type { Ceremony } from '../helpers/authenticator.js';
import type { AnyData } from '../helpers/client.js';
import { seedClient } from '../helpers/oauth.js';
import { oauthCounts } from '../helpers/oauth-counts.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, visitorOf } from '../helpers/oauth-browser.js';
import { registerPasskey } from '../helpers/passkeys.js';
import { setAccount } from '../helpers/seed.js';
import { enrollTotp, totpCode, wrongCode } from '../helpers/totp.js';

const MINUTE = 60_000;
const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const seeded = await seedClient(app);

/** A browser on the consent page. */
async function atConsent(url = authorizeUrl(seeded)) {
  const [user, browser] = [await app.user(), oauthBrowser(app.server)];
  await browser.open(url);
  await browser.submit(credentialsOf(user));
  return { user, browser, fields: { ...browser.hidden(), decision: 'allow' } };
}

t.test('remembers a consent, and asks again for more and with prompt=consent', async (t) => {
  const browser = await visitorOf(app, await app.user(), seeded);
  t.match(responseOf(await browser.open(authorizeUrl(seeded))), { code: /./ });
  t.match(responseOf(await browser.open(authorizeUrl(seeded, { scope: 'read:content', prompt: 'none' }))), {
    code: /./,
  });
  t.match(await browser.open(authorizeUrl(seeded, { scope: 'read:history' })), { path: '/oauth/consent' });
  t.match(await browser.open(authorizeUrl(seeded, { prompt: 'consent' })), { path: '/oauth/consent' });
  const none = await browser.open(authorizeUrl(seeded, { scope: 'read:history', prompt: 'none' }));
  t.match(responseOf(none), { error: 'consent_required' });
});

t.test('skips the consent of a first-party client, and always asks for one on the device', async (t) => {
  const firstParty = await seedClient(app, { firstParty: true });
  const native = await seedClient(app, { type: 'PUBLIC', authMethod: 'NONE', redirectUris: ['http://127.0.0.1/cb'] });
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(firstParty));
  t.match(responseOf(await browser.submit(credentialsOf(await app.user()))), { code: /./ });
  await browser.open(authorizeUrl(native));
  t.match(responseOf(await browser.submit({ decision: 'allow' })), { code: /./ });
  t.match(await browser.open(authorizeUrl(native)), { path: '/oauth/consent' });
});

t.test('asks for a new login with prompt=login, select_account, max_age=0 and after max_age', async (t) => {
  const user = await app.user();
  const browser = await visitorOf(app, user, seeded);
  t.match(responseOf(await browser.open(authorizeUrl(seeded, { max_age: '60' }))), { code: /./ });
  app.clock.advance(2 * MINUTE);
  const parameters: Record<string, string>[] = [
    { prompt: 'login' },
    { prompt: 'select_account' },
    { max_age: '0' },
    { max_age: '60' },
  ];
  for (const each of parameters) {
    t.match(await browser.open(authorizeUrl(seeded, each)), { path: '/oauth/login' }, JSON.stringify(each));
    t.match(responseOf(await browser.submit(credentialsOf(user))), { code: /./ }, JSON.stringify(each));
    app.clock.advance(2 * MINUTE);
  }
});

t.test('a new login ends the session of the cookie', async (t) => {
  const user = await app.user();
  const browser = await visitorOf(app, user, seeded);
  const before = browser.jar.get('latchkey-session')!;
  await browser.open(authorizeUrl(seeded, { prompt: 'login' }));
  await browser.submit(credentialsOf(user));
  t.not(browser.jar.get('latchkey-session'), before);
  browser.jar.set('latchkey-session', before);
  t.match(await browser.open(authorizeUrl(seeded)), { path: '/oauth/login' });
});

t.test('denies by a redirect, and audits it', async (t) => {
  const { user, browser, fields } = await atConsent();
  const before = await oauthCounts(app);
  const denied = await browser.post('/oauth/consent', { ...fields, decision: 'deny' });
  t.match(responseOf(denied), { error: 'access_denied', state: 'a state', iss: 'http://auth.test' });
  t.same(await oauthCounts(app), { ...before, requests: before.requests - 1 });
  t.ok((await auditOf(app.db, user.id)).some(({ type }) => type === 'app.denied'));
  t.match(await browser.post('/oauth/consent', fields), { status: 400 });
});

t.test('refuses a consent from elsewhere, twice, late or of another form, and changes nothing', async (t) => {
  const { browser, fields } = await atConsent();
  const stranger = await atConsent();
  const before = await oauthCounts(app);
  const request = browser.hidden()['request']!;
  const login = await browser.open(`/oauth/login?request=${request}`);
  t.match(login, { path: '/oauth/login' });
  const ofLogin = { ...browser.hidden(), decision: 'allow' };
  t.match(await browser.post('/oauth/consent', fields, { 'sec-fetch-site': 'cross-site' }), { status: 403 });
  t.match(await browser.post('/oauth/consent', ofLogin), { status: 403 });
  t.match(await browser.post('/oauth/consent', { ...fields, key: '' }), { status: 403 });
  t.match(await browser.post('/oauth/consent', { ...fields, decision: 'maybe' }), { status: 400 });
  t.match(await stranger.browser.post('/oauth/consent', fields), { status: 403 });
  t.match(await oauthBrowser(app.server).post('/oauth/consent', fields), { status: 403 });
  t.same(await oauthCounts(app), before);
  const answers = await Promise.all([1, 2, 3].map(() => browser.post('/oauth/consent', fields)));
  t.equal(answers.filter((shown) => responseOf(shown)['code']).length, 1);
  app.clock.advance(11 * MINUTE);
  t.match(await stranger.browser.post('/oauth/consent', stranger.fields), { status: 400 });
});

t.test('issues no code for a HEAD request', async (t) => {
  const { browser } = await atConsent();
  const url = `/oauth/consent?request=${browser.hidden()['request']}`;
  // Another tab gave the consent, so a GET of this one is answered.
  await browser.open(authorizeUrl(seeded, { prompt: 'consent' }));
  await browser.submit({ decision: 'allow' });
  const before = await oauthCounts(app);
  const cookie = [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  await app.server.inject({ method: 'HEAD', url, headers: { cookie } });
  t.same(await oauthCounts(app), before);
  t.match(responseOf(await browser.open(url)), { code: /./ });
});

t.test('refuses a login form of another site or browser: nobody is signed in', async (t) => {
  const [user, browser] = [await app.user(), oauthBrowser(app.server)];
  await browser.open(authorizeUrl(seeded));
  const fields = { ...browser.hidden(), ...credentialsOf(user) };
  const before = await oauthCounts(app);
  t.match(await browser.post('/oauth/login', fields, { 'sec-fetch-site': 'cross-site' }), { status: 403 });
  const victim = oauthBrowser(app.server);
  await victim.open(authorizeUrl(seeded));
  t.match(await victim.post('/oauth/login', fields), { status: 403 });
  t.same(await oauthCounts(app), { ...before, requests: before.requests + 1 });
});

t.test('refuses a consent that the person of another session was asked for', async (t) => {
  const { browser, fields } = await atConsent();
  await browser.open(authorizeUrl(seeded, { prompt: 'login' }));
  await browser.submit(credentialsOf(await app.user()));
  const before = await oauthCounts(app);
  t.match(await browser.post('/oauth/consent', fields), { status: 403 });
  t.same(await oauthCounts(app), before);
});

t.test('needs the second factor, with the challenge bound to the browser', async (t) => {
  const [user, browser] = [await app.user(), oauthBrowser(app.server)];
  const { secret } = await enrollTotp(user.client, app.clock.now);
  app.clock.advance(MINUTE);
  await browser.open(authorizeUrl(seeded));
  const before = await oauthCounts(app);
  t.match((await browser.submit(credentialsOf(user))).body, /name="challenge"/);
  for (const tries of [1, 2]) {
    const wrong = await browser.submit({ code: wrongCode(secret, app.clock.now()) });
    t.match(wrong, { status: 401, body: /name="code"/ }, `try ${tries}`);
    t.notMatch(wrong.body, 'passkey', 'the account has none');
  }
  t.same(await oauthCounts(app), before);
  const code = totpCode(secret, app.clock.now());
  const cookie = browser.jar.get('latchkey-challenge')!;
  browser.jar.delete('latchkey-challenge');
  t.match(await browser.post('/oauth/login', { ...browser.hidden(), code }), { status: 401 });
  t.ok(cookie);
  await browser.open(authorizeUrl(seeded));
  await browser.submit(credentialsOf(user));
  t.match(await browser.submit({ code }), { path: '/oauth/consent' });
  t.match(responseOf(await browser.submit({ decision: 'allow' })), { code: /./ });
});

t.test('asks for the passkey again after a wrong one, and for no code that the account does not have', async (t) => {
  const [user, browser] = [await app.user(), oauthBrowser(app.server)];
  const { authenticator } = await registerPasskey(user.client);
  await browser.open(authorizeUrl(seeded));
  await browser.submit(credentialsOf(user));
  const form = browser.hidden();
  const start = await browser.post('/oauth/login/passkey', form);
  const { challenge, options } = JSON.parse(start.body) as { challenge: string; options: AnyData };
  const respond = (ceremony: Ceremony) =>
    browser.post('/oauth/login', {
      ...form,
      passkeyChallenge: challenge,
      passkey: JSON.stringify(authenticator.assert(options, ceremony)),
    });
  const wrong = await respond({ wrongKey: true });
  t.match(wrong, { status: 401, body: /Use a passkey/ });
  t.notMatch(wrong.body, 'name="code"');
});

t.test('shows a wrong password with its form, and escapes what was typed and the hint', async (t) => {
  const browser = oauthBrowser(app.server);
  const shown = await browser.open(authorizeUrl(seeded, { login_hint: '"><script>alert(1)</script>' }));
  t.notMatch(shown.body, '<script>alert');
  t.match(shown.body, 'value="&quot;&gt;&lt;script&gt;');
  const wrong = await browser.submit({ identifier: '<b>', password: 'wrong password' });
  t.match(wrong, { status: 401 });
  t.match(wrong.body, 'value="&lt;b&gt;"');
});

t.test('warns of the name of a client that registered itself', async (t) => {
  for (const source of ['REGISTRATION', 'METADATA_DOCUMENT'] as const) {
    const { browser } = await atConsent(authorizeUrl(await seedClient(app, { source })));
    t.match(browser.shown.body, 'nobody has verified its name', source);
  }
  t.notMatch((await atConsent()).browser.shown.body, 'verified');
});

t.test('refuses a client or an account that was disabled between the steps', async (t) => {
  const client = await seedClient(app);
  const first = await atConsent(authorizeUrl(client));
  const before = await oauthCounts(app);
  await app.db.executor.execute(`update oauth_clients set disabled_at = now() where id = '${client.client.id}'`);
  t.match(await first.browser.post('/oauth/consent', first.fields), { status: 400, left: undefined });
  t.same(await oauthCounts(app), before);
  const second = await atConsent();
  await setAccount(app.db, second.user.id, 'disabled');
  const after = await oauthCounts(app);
  t.match(await second.browser.post('/oauth/consent', second.fields), { status: 403, left: undefined });
  t.same(await oauthCounts(app), after);
});

t.test('shows a page to an account that must enrol a second factor, and issues no code', async (t) => {
  const strict = await startTestApp(t, { REQUIRE_SECOND_FACTOR: 'all' });
  const [user, browser] = [await strict.user(), oauthBrowser(strict.server)];
  const client = await seedClient(strict);
  await browser.open(authorizeUrl(client));
  t.match(await browser.submit(credentialsOf(user)), { status: 403, left: undefined });
  t.match(responseOf(await browser.open(authorizeUrl(client, { prompt: 'none' }))), { error: 'interaction_required' });
  t.equal((await oauthCounts(strict)).codes, 0);
});

t.test('narrows the scopes to those of the account', async (t) => {
  const client = await seedClient(app, { scopes: ['read:content', 'admin'] });
  const { browser } = await atConsent(authorizeUrl(client, { scope: 'read:content admin' }));
  t.notMatch(browser.shown.body, 'Administer');
  const only = await seedClient(app, { scopes: ['admin'] });
  t.match(responseOf(await browser.open(authorizeUrl(only, { scope: 'admin' }))), { error: 'invalid_scope' });
});
