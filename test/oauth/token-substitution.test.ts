/** Each kind of token works in its own place alone (RFC 9700 section 4.10, RFC 8725 section 2.8), and no attempt spends it. */
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import t from 'tap';
import { generateSigningKey } from '../../src/signing-keys/key-material.js';
import { startTestApp } from '../helpers/app.js';
import { createKey } from '../helpers/api-keys.js';
import { DEVICE_CODE } from '../helpers/device-codes.js';
import { logoutReceiver } from '../helpers/logout-receiver.js';
import { issueCode, seedClient } from '../helpers/oauth.js';
import { seedServiceAccount } from '../helpers/oauth-grants.js';
import { exchangeForm, postForm, withSecret } from '../helpers/oauth-requests.js';
import { answerForms, authorizeUrl, oauthBrowser, responseOf, visitorOf } from '../helpers/oauth-browser.js';
import { ME, REFRESH } from '../helpers/seed.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m', RATE_LIMIT_AUTHENTICATED: '100000/1m' });
const receiver = await logoutReceiver(t);
const seeded = await seedClient(app, {
  grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'DEVICE_CODE', 'CLIENT_CREDENTIALS'],
  scopes: ['openid', 'read:profile', 'read:content'],
  serviceAccountId: await seedServiceAccount(app),
  backchannelLogoutUri: receiver.uri,
});
const user = await app.user();

/** A grant by the pages, with an ID token. */
async function newGrant() {
  const browser = await visitorOf(app, user, seeded);
  await browser.open(authorizeUrl(seeded, { scope: 'openid read:profile' }));
  const { code } = responseOf(await answerForms(browser, user));
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code!));
  return { browser, body: body as Record<'access_token' | 'refresh_token' | 'id_token', string> };
}

/** A logout token that the client got. */
async function newLogoutToken(): Promise<string> {
  await newGrant();
  await user.client.send('mutation { revokeOtherSessions }');
  await app.runJob('send logout tokens');
  return receiver.received.at(-1)!.get('logout_token')!;
}

/** An assertion of the client, whose key the server does not use. */
async function newAssertion(): Promise<string> {
  const { privateKey, kid } = await generateSigningKey('EdDSA');
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const exp = Math.floor(app.clock.now() / 1000) + 60;
  const claims = { iss: seeded.client.id, sub: user.id, aud: 'http://auth.test', exp, jti: randomUUID() };
  const signed = `${encode({ alg: 'EdDSA', kid })}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), createPrivateKey(privateKey)).toString('base64url')}`;
}

const logoutToken = await newLogoutToken();
const { browser, body: granted } = await newGrant();
const form = withSecret(seeded);
const token = (parameters: Record<string, string>) => postForm(app, '/oauth/token', { ...form, ...parameters });
const device = (await postForm(app, '/oauth/device_authorization', form)).body as Record<string, string>;

const TOKENS = {
  'first-party access token': user.accessToken,
  'first-party refresh token': user.refreshToken,
  'access token': granted.access_token,
  'refresh token': granted.refresh_token,
  'ID token': granted.id_token,
  'logout token': logoutToken,
  code: await issueCode(app, user.id, seeded),
  'device code': device['device_code']!,
  'service access token': (await token({ grant_type: 'client_credentials' })).body['access_token'] as string,
  'API key': (await createKey(user.client)).key,
  'client assertion': await newAssertion(),
  'client secret': seeded.secret,
  'user code': device['user_code']!,
};
type Kind = keyof typeof TOKENS;

/** Whether a place accepts a text, and the kinds that it must accept. */
const PLACES: Readonly<Record<string, { accepts: readonly Kind[]; send(text: string): Promise<boolean> }>> = {
  'the header of GraphQL': {
    accepts: ['first-party access token', 'access token', 'API key'],
    send: async (text) => (await app.client().send(ME, {}, { token: text })).code === undefined,
  },
  'X-API-Key': {
    accepts: ['API key'],
    send: async (text) => (await app.client().send(ME, {}, { headers: { 'x-api-key': text } })).code === undefined,
  },
  userinfo: {
    accepts: ['access token'],
    send: async (text) => (await postForm(app, '/oauth/userinfo', { access_token: text })).status === 200,
  },
  'the refresh of a first-party session': {
    accepts: ['first-party refresh token'],
    send: async (text) => (await app.client().send(REFRESH, { refreshToken: text })).code === undefined,
  },
  'the refresh token grant': {
    accepts: ['refresh token'],
    send: async (text) => (await token({ grant_type: 'refresh_token', refresh_token: text })).status === 200,
  },
  'the authorization code grant': {
    accepts: ['code'],
    send: async (text) => (await postForm(app, '/oauth/token', exchangeForm(seeded, text))).status === 200,
  },
  'the device code grant': {
    accepts: ['device code'],
    send: async (text) =>
      (await token({ grant_type: DEVICE_CODE, device_code: text })).body['error'] !== 'invalid_grant',
  },
  'a client secret': {
    accepts: ['client secret'],
    send: async (text) => (await token({ grant_type: 'x', client_secret: text })).status === 400,
  },
  'the hint of a logout': {
    accepts: ['ID token'],
    send: async (text) => {
      const { status } = await oauthBrowser(app.server).open(`/oauth/logout?id_token_hint=${encodeURIComponent(text)}`);
      return status === 200;
    },
  },
};

for (const [place, { accepts, send }] of Object.entries(PLACES))
  t.test(`${place} accepts ${accepts.join(', ')} and no other kind of token`, async (t) => {
    for (const [kind, text] of Object.entries(TOKENS))
      if (!accepts.includes(kind as Kind)) t.equal(await send(text), false, kind);
  });

t.test('every token still works in its place', async (t) => {
  for (const [place, { accepts, send }] of Object.entries(PLACES))
    for (const kind of accepts) t.equal(await send(TOKENS[kind]), true, `${kind} at ${place}`);
  t.equal((await browser.open(authorizeUrl(seeded, { prompt: 'none' }))).left?.searchParams.has('code'), true);
});
