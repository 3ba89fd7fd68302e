/** Passkeys and mailed codes on the login page of the provider. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import type { AnyData } from '../helpers/client.js';
import { mailedCodes, wrongCode } from '../helpers/email-codes.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, type OAuthBrowser } from '../helpers/oauth-browser.js';
import { oauthCounts } from '../helpers/oauth-counts.js';
import { claimsOf, exchangeForm, postForm } from '../helpers/oauth-requests.js';
import { seedClient } from '../helpers/oauth.js';
import { registerPasskey } from '../helpers/passkeys.js';
import { setAccount } from '../helpers/seed.js';
import { enrollTotp, totpCode } from '../helpers/totp.js';

const MINUTE = 60_000;
const START = '/oauth/login/passkey';
const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m', EMAIL_LOGIN: 'true' });
const seeded = await seedClient(app, { firstParty: true });

/** A browser on the login page. */
async function atLogin(): Promise<OAuthBrowser> {
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(seeded, { scope: 'openid' }));
  return browser;
}

/** What the ID token of the finished sign-in says. */
async function claimsAfter(browser: OAuthBrowser): Promise<AnyData> {
  const { code } = responseOf(browser.shown);
  if (code === undefined) throw new Error(`No code: ${browser.shown.status} ${browser.shown.body}`);
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
  return claimsOf(body['id_token'] as string);
}

/** Asks for the ceremony of a passkey, as the script of the page does. */
async function startPasskey(browser: OAuthBrowser, challenge?: string) {
  const { request = '', key = '' } = browser.hidden();
  const shown = await browser.post(START, { request, key, ...(challenge === undefined ? {} : { challenge }) });
  const started = JSON.parse(shown.body) as { challenge: string; options: AnyData };
  return { request, key, started };
}

/** Counts of codes and sessions do not change while `attempt` runs. */
async function changesNothing(t: { same(a: unknown, b: unknown): unknown }, attempt: () => Promise<void>) {
  const before = await oauthCounts(app);
  await attempt();
  t.same(await oauthCounts(app), before);
}

t.test('signs in with a passkey alone, as two factors, and accepts its response once', async (t) => {
  const user = await app.user();
  const { authenticator } = await registerPasskey(user.client);
  const browser = await atLogin();
  const { request, key, started } = await startPasskey(browser);
  t.notOk(started.options['allowCredentials']?.length, 'the options name no account');
  const passkey = JSON.stringify(authenticator.assert(started.options));
  const fields = { request, key, passkeyChallenge: started.challenge, passkey };
  await browser.post('/oauth/login', fields);
  t.match(await claimsAfter(browser), { sub: user.id, acr: '2' });

  const second = await atLogin();
  const replayed = { ...fields, request: second.hidden()['request']!, key: second.hidden()['key']! };
  t.match(await second.post('/oauth/login', replayed), { status: 401, left: undefined });
});

t.test('shows the form again for a passkey that is not accepted, and signs nobody in', async (t) => {
  const { authenticator } = await registerPasskey((await app.user()).client);
  const browser = await atLogin();
  const { request, key, started } = await startPasskey(browser);
  const { challenge: passkeyChallenge, options } = started;
  const good = JSON.stringify(authenticator.assert(options));
  const bad: Record<string, Record<string, string>> = {
    'the signature of another key': { passkey: JSON.stringify(authenticator.assert(options, { wrongKey: true })) },
    'another origin': { passkey: JSON.stringify(authenticator.assert(options, { origin: 'https://evil.example' })) },
    'no user verification': { passkey: JSON.stringify(authenticator.assert(options, { userVerified: false })) },
    'no JSON': { passkey: 'x' },
    'another kind of JSON': { passkey: '[]' },
    'no challenge': { passkey: good, passkeyChallenge: '' },
  };
  await changesNothing(t, async () => {
    for (const [what, fields] of Object.entries(bad)) {
      const shown = await browser.post('/oauth/login', { request, key, passkeyChallenge, ...fields });
      const status = what === 'another kind of JSON' ? 400 : 401;
      t.match(shown, { status, path: '/oauth/login', left: undefined }, what);
      t.match(shown.body, 'role="alert"', what);
      t.notOk(browser.jar.has('latchkey-session'), what);
    }
  });
});

t.test('starts a passkey only for the form of the browser, on the same site', async (t) => {
  const browser = await atLogin();
  const { request = '', key = '' } = browser.hidden();
  const fields = { request, key };
  t.match(await browser.post(START, fields, { 'sec-fetch-site': 'cross-site' }), { status: 403 });
  t.match(await browser.post(START, { ...fields, key: 'x' }), { status: 403 });
  t.match(await (await atLogin()).post(START, fields), { status: 403 });
  t.match(await browser.post(START, { ...fields, request: 'x' }), { status: 400 });
  app.clock.advance(11 * MINUTE);
  t.match(await browser.post(START, fields), { status: 400 });
});

t.test('takes a passkey as the second factor, from the browser of the first step', async (t) => {
  const user = await app.user();
  const { authenticator } = await registerPasskey(user.client);
  const browser = await atLogin();
  const asked = await browser.submit(credentialsOf(user));
  t.match(asked, { status: 200, path: '/oauth/login' });
  t.notMatch(asked.body, 'name="code"', 'the account has no codes');
  const { challenge } = browser.hidden();
  const { request, key, started } = await startPasskey(browser, challenge);
  t.equal(started.options['allowCredentials'].length, 1);
  const wrong = JSON.stringify(authenticator.assert(started.options, { wrongKey: true }));
  await changesNothing(t, async () => {
    const shown = await browser.post('/oauth/login', { request, key, challenge: challenge!, passkey: wrong });
    t.match(shown, { status: 401, left: undefined });
  });
  const passkey = JSON.stringify(authenticator.assert(started.options));
  const stolen = oauthBrowser(app.server);
  for (const [name, value] of browser.jar) if (name !== 'latchkey-challenge') stolen.jar.set(name, value);
  t.match(await stolen.post('/oauth/login', { request, key, challenge: challenge!, passkey }), { status: 401 });
  await browser.post('/oauth/login', { request, key, challenge: challenge!, passkey });
  t.match(await claimsAfter(browser), { sub: user.id, acr: '2' });
});

t.test('refuses the passkey of a disabled account', async (t) => {
  const user = await app.user();
  const { authenticator } = await registerPasskey(user.client);
  await setAccount(app.db, user.id, 'disabled');
  const browser = await atLogin();
  const { request, key, started } = await startPasskey(browser);
  const passkey = JSON.stringify(authenticator.assert(started.options));
  const shown = await browser.post('/oauth/login', { request, key, passkeyChallenge: started.challenge, passkey });
  t.match(shown, { status: 403, path: '/oauth/login', left: undefined });
});

/** Presses the button that mails a code. */
const requestCode = (browser: OAuthBrowser, identifier: string) =>
  browser.submit({ identifier, password: '', action: 'email-code' });

t.test('signs in with a mailed code, once, after a wrong one', async (t) => {
  const user = await app.user();
  const browser = await atLogin();
  t.match(await requestCode(browser, user.email), { status: 200, body: /a code is on its way/ });
  const { code } = (await mailedCodes(app, user.email)).at(-1)!;
  const wrong = await browser.submit({ code: wrongCode(code) });
  t.match(wrong, { status: 401, path: '/oauth/login', left: undefined });
  t.equal(browser.hidden()['email'], user.email);
  const fields = { ...browser.hidden(), code: code.toLowerCase() };
  await browser.submit({ code: fields.code });
  t.match(await claimsAfter(browser), { sub: user.id, acr: '1' });
  const second = await atLogin();
  await requestCode(second, user.email);
  t.match(await second.submit({ code }), { status: 401, left: undefined });
});

t.test('answers alike for an unknown address, and mails nothing', async (t) => {
  const user = await app.user();
  const [known, unknown] = [await atLogin(), await atLogin()];
  const without = (body: string, email: string) => body.replaceAll(email, '').replace(/value="[^"]*"/g, '');
  const stranger = 'nobody@mail.test';
  const bodies = [
    without((await requestCode(known, user.email)).body, user.email),
    without((await requestCode(unknown, stranger)).body, stranger),
  ];
  t.equal(bodies[0], bodies[1]);
  t.same(await app.mailTo(stranger), []);
  t.match(await unknown.submit({ code: 'AAAA-AAAA' }), { status: 401 });
});

t.test('shows the form again for an address that is none', async (t) => {
  const browser = await atLogin();
  const shown = await requestCode(browser, 'no address');
  t.match(shown, { status: 400, path: '/oauth/login' });
  t.match(shown.body, 'value="no address"');
});

t.test('asks for the second factor after a mailed code', async (t) => {
  const user = await app.user();
  const { secret } = await enrollTotp(user.client, () => app.clock.now());
  app.clock.advance(MINUTE);
  const browser = await atLogin();
  await requestCode(browser, user.email);
  const { code } = (await mailedCodes(app, user.email)).at(-1)!;
  await changesNothing(t, async () => {
    t.match(await browser.submit({ code }), { status: 200, body: /name="challenge"/, left: undefined });
  });
  await browser.submit({ code: totpCode(secret, app.clock.now()) });
  t.match(await claimsAfter(browser), { sub: user.id, acr: '2' });
});

t.test('refuses a code that is too old', async (t) => {
  const user = await app.user();
  const browser = await atLogin();
  await requestCode(browser, user.email);
  const { code } = (await mailedCodes(app, user.email)).at(-1)!;
  app.clock.advance(11 * MINUTE);
  const later = await atLogin();
  const fields = { ...later.hidden(), email: user.email, code };
  t.match(await later.post('/oauth/login', fields), { status: 401, left: undefined });
});

t.test('limits the mailed codes of one network', async (t) => {
  const browser = await atLogin();
  const form = { ...browser.hidden(), password: '', action: 'email-code' };
  const statuses: number[] = [];
  for (let i = 0; i < 40 && statuses.at(-1) !== 429; i += 1)
    statuses.push((await browser.post('/oauth/login', { ...form, identifier: `u${i}@mail.test` })).status);
  t.equal(statuses.at(-1), 429);
  t.match(browser.shown.headers['retry-after'], /^\d+$/);
  t.match(browser.shown.body, 'role="alert"');
});

t.test('offers and sends no code unless EMAIL_LOGIN is set', async (t) => {
  const plain = await startTestApp(t);
  const user = await plain.user();
  const browser = oauthBrowser(plain.server);
  const shown = await browser.open(authorizeUrl(await seedClient(plain)));
  t.notMatch(shown.body, 'email-code');
  const fields = { ...browser.hidden(), identifier: user.email, action: 'email-code' };
  t.match(await browser.post('/oauth/login', fields), { status: 400, left: undefined });
  t.notOk((await plain.mailTo(user.email)).some(({ text }) => /^[0-9A-Z]{4}-[0-9A-Z]{4}$/m.test(text)));
});
