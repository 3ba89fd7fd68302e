/** Errors of authorization requests are sent to the client (RFC 6749 section 4.1.2.1). */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { seedClient } from '../helpers/oauth.js';
import { oauthCounts } from '../helpers/oauth-counts.js';
import { codeChallenge } from '../helpers/pkce.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf } from '../helpers/oauth-browser.js';

const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '100000/1m' });
const confidential = await seedClient(app);
const strict = await seedClient(app, { requirePkce: true });
const publicClient = await seedClient(app, { type: 'PUBLIC', authMethod: 'NONE' });
const machine = await seedClient(app, { grantTypes: ['CLIENT_CREDENTIALS'] });

const PKCE = { code_challenge: codeChallenge(), code_challenge_method: 'S256' };
const CASES: readonly [string, typeof confidential, Record<string, string | undefined>, string][] = [
  ['no response type', confidential, { response_type: undefined }, 'invalid_request'],
  ['response type token', confidential, { response_type: 'token' }, 'unsupported_response_type'],
  ['hybrid response type', confidential, { response_type: 'code id_token' }, 'unsupported_response_type'],
  ['response mode fragment', confidential, { response_mode: 'fragment' }, 'invalid_request'],
  ['response mode form_post', confidential, { response_mode: 'form_post' }, 'invalid_request'],
  ['request object', confidential, { request: 'a.b.c' }, 'request_not_supported'],
  ['request URI', confidential, { request_uri: 'https://app.example.com/r' }, 'request_uri_not_supported'],
  ['registration', confidential, { registration: '{}' }, 'registration_not_supported'],
  ['client without the grant', machine, {}, 'unauthorized_client'],
  ['no PKCE where required', strict, {}, 'invalid_request'],
  [
    'no PKCE by a public client',
    publicClient,
    { code_challenge: undefined, code_challenge_method: undefined },
    'invalid_request',
  ],
  ['PKCE method plain', confidential, { ...PKCE, code_challenge_method: 'plain' }, 'invalid_request'],
  ['PKCE without a method', confidential, { ...PKCE, code_challenge_method: undefined }, 'invalid_request'],
  ['PKCE method alone', confidential, { code_challenge_method: 'S256' }, 'invalid_request'],
  ['short challenge', confidential, { ...PKCE, code_challenge: 'short' }, 'invalid_request'],
  ['malformed challenge', confidential, { ...PKCE, code_challenge: `${'a'.repeat(42)}=` }, 'invalid_request'],
  ['unknown scope', confidential, { scope: 'read:content delete:everything' }, 'invalid_scope'],
  ['scope of others', confidential, { scope: 'admin' }, 'invalid_scope'],
  ['relative resource', confidential, { resource: '/api' }, 'invalid_target'],
  ['resource with a fragment', confidential, { resource: 'https://api.example.com/#x' }, 'invalid_target'],
  ['prompt none with another', confidential, { prompt: 'none login' }, 'invalid_request'],
  ['unknown prompt', confidential, { prompt: 'create' }, 'invalid_request'],
  ['negative max_age', confidential, { max_age: '-1' }, 'invalid_request'],
  ['max_age in words', confidential, { max_age: 'soon' }, 'invalid_request'],
  ['control character', confidential, { nonce: 'a\u0000b' }, 'invalid_request'],
  ['nonce over the limit', confidential, { nonce: 'n'.repeat(5000) }, 'invalid_request'],
  ['prompt none without a session', confidential, { prompt: 'none' }, 'login_required'],
];

t.test('sends the error of each bad parameter to the client, with state and issuer, and stores nothing', async (t) => {
  for (const [what, client, parameters, error] of CASES) {
    const before = await oauthCounts(app);
    const shown = await oauthBrowser(app.server).open(authorizeUrl(client, parameters));
    t.equal(shown.status, 303, what);
    t.match(responseOf(shown), { error, state: 'a state', iss: 'http://auth.test', code: undefined }, what);
    t.same(await oauthCounts(app), before, what);
  }
});

t.test('sends an error for each repeated parameter except resource', async (t) => {
  for (const name of ['scope', 'response_type', 'code_challenge', 'nonce', 'prompt', 'max_age', '__proto__']) {
    const shown = await oauthBrowser(app.server).open(`${authorizeUrl(confidential)}&${name}=a&${name}=b`);
    t.match(responseOf(shown), { error: 'invalid_request', state: 'a state' }, name);
  }
  const twice = await oauthBrowser(app.server).open(`${authorizeUrl(confidential)}&state=again`);
  t.equal(responseOf(twice)['error'], 'invalid_request');
  t.equal(responseOf(twice)['state'], undefined);
  const resources = '&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example';
  t.match(await oauthBrowser(app.server).open(authorizeUrl(confidential) + resources), { path: '/oauth/login' });
});

t.test('drops a state that is too long or has control characters', async (t) => {
  for (const state of ['s'.repeat(5000), 'a\u0000b', 'a\r\nb']) {
    const answer = responseOf(await oauthBrowser(app.server).open(authorizeUrl(confidential, { state })));
    t.equal(answer['error'], 'invalid_request');
    t.equal(answer['state'], undefined);
  }
});

t.test('sends server_error to the client if the service fails, logs the reason, and tells no more', async (t) => {
  await app.db.executor.execute(`create function fail_here() returns trigger language plpgsql as
    'begin raise exception ''a secret reason''; end'`);
  await app.db.executor.execute(`create trigger fail_here before insert on oauth_requests for each row
    execute function fail_here()`);
  const browser = oauthBrowser(app.server);
  const response = responseOf(await browser.open(authorizeUrl(confidential)));
  const error_description = 'Internal error.';
  t.same(response, { error: 'server_error', error_description, state: 'a state', iss: 'http://auth.test' });
  t.match(JSON.stringify(app.logs), 'a secret reason');
  await app.db.executor.execute('drop trigger fail_here on oauth_requests');
  t.equal((await browser.open(authorizeUrl(confidential))).path, '/oauth/login');
});

t.test('shows a page if the service fails before the client may be informed', async (t) => {
  const user = await app.user();
  await app.db.executor.execute(`create or replace function fail_here() returns trigger language plpgsql as
    'begin raise exception ''another secret reason''; end'`);
  await app.db.executor.execute(`create trigger fail_here before insert on sessions for each row
    execute function fail_here()`);
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(confidential));
  const fields = { ...browser.hidden(), ...credentialsOf(user) };
  const shown = await browser.post('/oauth/login', fields);
  t.match(shown, { status: 500, body: /Something went wrong/, left: undefined });
  t.match(shown.headers['content-type'], /^text\/html/);
  t.notMatch(shown.body, 'secret reason');
  t.match(JSON.stringify(app.logs), 'another secret reason');
  await app.db.executor.execute('drop trigger fail_here on sessions');
  t.match(await browser.post('/oauth/login', fields), { path: '/oauth/consent' }, 'the form works again');
});

t.test('names the issuer in every response to a client (RFC 9207)', async (t) => {
  const user = await app.user();
  const browser = oauthBrowser(app.server);
  const respond = async (parameters: Record<string, string>, ...forms: Record<string, string>[]) => {
    await browser.open(authorizeUrl(confidential, parameters));
    for (const form of forms) await browser.submit(form);
    const { iss, error = 'a code' } = responseOf(browser.shown);
    return { iss, outcome: error };
  };
  const login = credentialsOf(user);
  for (const [outcome, response] of [
    ['access_denied', await respond({}, login, { decision: 'deny' })],
    ['consent_required', await respond({ prompt: 'none' })],
    ['a code', await respond({}, { decision: 'allow' })],
    ['a code', await respond({ prompt: 'none' })],
    ['invalid_scope', await respond({ scope: 'nonsense' })],
  ] as const)
    t.same(response, { iss: 'http://auth.test', outcome });
});

t.test('ignores parameters that it does not know', async (t) => {
  const shown = await oauthBrowser(app.server).open(
    authorizeUrl(confidential, { ui_locales: 'fr', display: 'page', constructor: 'x', acr_values: 'mfa' }),
  );
  t.match(shown, { status: 200, path: '/oauth/login' });
});

t.test('takes a request by POST, and refuses JSON, multipart and 100 KB', async (t) => {
  const query = authorizeUrl(confidential).slice('/oauth/authorize?'.length);
  const headers = { 'sec-fetch-site': 'cross-site' };
  t.match(await oauthBrowser(app.server).post('/oauth/authorize', query, headers), {
    status: 200,
    path: '/oauth/login',
  });
  const before = await oauthCounts(app);
  for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain'])
    t.match(await oauthBrowser(app.server).post('/oauth/authorize', query, { 'content-type': type }), { status: 400 });
  t.match(await oauthBrowser(app.server).post('/oauth/authorize', `${query}&nonce=${'n'.repeat(100_000)}`), {
    status: 400,
  });
  t.same(await oauthCounts(app), before);
});

t.test('keeps issuer and paths for a forged Host header', async (t) => {
  const browser = oauthBrowser(app.server);
  const response = await app.server.inject({
    url: authorizeUrl(confidential, { scope: 'nonsense' }),
    headers: { host: 'evil.example', 'x-forwarded-host': 'evil.example' },
  });
  t.match(response.headers.location, /&iss=http%3A%2F%2Fauth\.test$/);
  t.match(await browser.open(authorizeUrl(confidential)), { path: '/oauth/login' });
});
