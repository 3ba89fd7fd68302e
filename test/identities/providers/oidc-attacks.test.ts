/** OpenID providers, callbacks and documents that misbehave. None of them identifies anybody. */
import { inspect } from 'node:util';
import { base64url, SignJWT } from 'jose';
import t from 'tap';
import { IdentityProviderError } from '../../../src/identities/provider.js';
import { errorOf, failureOf } from '../../helpers/plex-provider.js';
import {
  CALLBACK,
  CLIENT,
  json,
  newKey,
  oidcProviderOf,
  signed,
  startFakeIssuer,
  type FakeIssuer,
} from '../../helpers/fake-issuer.js';

const now = () => Math.floor(Date.now() / 1000);
const segment = (value: object) => base64url.encode(JSON.stringify(value));
const stranger = await newKey();

t.test('refuses ID tokens with wrong claims', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  const rows: readonly object[] = [
    { iss: 'https://evil.test' },
    { iss: `${issuer.url}/` },
    { iss: undefined },
    { aud: 'another-client' },
    { aud: ['another-client'] },
    { aud: [] },
    { aud: undefined },
    { aud: [CLIENT.clientId, 'another-client'] },
    { aud: [CLIENT.clientId, 'another-client'], azp: 'another-client' },
    { azp: 'another-client' },
    { nonce: undefined },
    { nonce: 'another' },
    { nonce: null },
    { exp: now() - 61 },
    { exp: undefined },
    { exp: 'tomorrow' },
    { nbf: now() + 120 },
    { iat: now() + 120 },
    { iat: undefined },
    { iat: '1' },
    { sub: undefined },
    { sub: 1 },
    { sub: null },
  ];
  const outcomes: unknown[] = [];
  for (const claims of rows) {
    issuer.idToken = (original, key) => signed(JSON.parse(JSON.stringify({ ...original, ...claims })), key);
    outcomes.push([claims, await failureOf(issuer.signIn(provider))]);
  }
  t.same(
    outcomes,
    rows.map((claims) => [claims, 'failed']),
  );
});

t.test('accepts clocks that are up to a minute apart, and further audiences', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  for (const claims of [
    { iat: now() + 30, nbf: now() + 30 },
    { exp: now() - 30 },
    { aud: [CLIENT.clientId] },
    { aud: [CLIENT.clientId, 'api'], azp: CLIENT.clientId },
  ]) {
    issuer.idToken = (original, key) => signed({ ...original, ...claims }, key);
    t.match(await issuer.signIn(provider), { subject: 'ada-1' }, JSON.stringify(claims));
  }
});

t.test('refuses ID tokens that no published key signed', async (t) => {
  const issuer = await startFakeIssuer(t);
  // Even if the provider says that it supports them.
  issuer.metadata['id_token_signing_alg_values_supported'] = ['RS256', 'none', 'HS256'];
  const provider = oidcProviderOf(issuer);
  const secret = new TextEncoder().encode(CLIENT.clientSecret);
  const rows: Readonly<Record<string, FakeIssuer['idToken']>> = {
    'alg none': (claims) => `${segment({ alg: 'none' })}.${segment(claims)}.`,
    'no alg': (claims) => `${segment({})}.${segment(claims)}.`,
    'HS256 with the client secret': (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret),
    'HS256 with the public key': (claims, { publicJwk, kid }) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS256', kid })
        .sign(new TextEncoder().encode(JSON.stringify(publicJwk))),
    'another key': (claims) => signed(claims, stranger),
    'another key under the id of the published one': (claims, { kid }) => signed(claims, { ...stranger, kid }),
    'a key in the header': (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk: stranger.publicJwk }).sign(stranger.privateKey),
    'a key set in the header': (claims, { kid }) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid, jku: `${issuer.url}/evil` })
        .sign(stranger.privateKey),
    'a critical extension': (claims, { kid, privateKey }) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid, crit: ['b64'], b64: true }).sign(privateKey),
    'changed claims': async (claims, key) => {
      const [header, , signature] = (await signed(claims, key)).split('.');
      return `${header}.${segment({ ...claims, sub: 'ada-2' })}.${signature}`;
    },
    'no signature': async (claims, key) => `${(await signed(claims, key)).split('.').slice(0, 2).join('.')}.`,
    'two parts': async (claims, key) => (await signed(claims, key)).split('.').slice(0, 2).join('.'),
    'an encrypted token': () => 'a.b.c.d.e',
    'no token': () => '',
    'claims that are a list': () => `${segment({ alg: 'RS256' })}.${segment([])}.x`,
  };
  const outcomes: unknown[] = [];
  for (const [what, idToken] of Object.entries(rows)) {
    issuer.idToken = idToken;
    outcomes.push([what, await failureOf(issuer.signIn(provider))]);
  }
  t.same(
    outcomes,
    Object.keys(rows).map((what) => [what, 'failed']),
  );
  issuer.idToken = signed;
  t.match(await issuer.signIn(provider), { subject: 'ada-1' });
});

t.test('refuses an algorithm that the provider does not announce', async (t) => {
  const issuer = await startFakeIssuer(t);
  issuer.metadata['id_token_signing_alg_values_supported'] = ['ES256'];
  t.equal(await failureOf(issuer.signIn(oidcProviderOf(issuer))), 'failed');
});

t.test('refuses callbacks that are not the answer to the request', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  for (const callback of [
    { state: 'another' },
    { state: undefined },
    { state: 'THE-STATE' },
    { iss: 'https://evil.test' },
    { iss: `${issuer.url}/` },
    { iss: undefined },
    { code: undefined },
    { code: '' },
    { code: 'a-code-of-somebody-else' },
    { id_token: 'x' },
    { response: 'x' },
    { error: 'access_denied', state: 'another' },
    { error: 'access_denied', iss: 'https://evil.test' },
  ]) {
    issuer.callback = callback;
    t.equal(await failureOf(issuer.signIn(provider)), 'failed', JSON.stringify(callback));
  }
});

t.test('refuses a repeated parameter, and the parameters of another flow', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  const { parameters } = await provider.start(CALLBACK, 's');
  const finish = (query: string, of: Record<string, string> = parameters) =>
    failureOf(
      provider.finish({ url: new URL(`${CALLBACK}?${query}`), redirectUri: CALLBACK, state: 's', parameters: of }),
    );
  const iss = encodeURIComponent(issuer.url);
  t.equal(await finish(`code=a&code=b&state=s&iss=${iss}`), 'failed');
  t.equal(await finish(`code=a&state=s&state=s&iss=${iss}`), 'failed');
  t.equal(await finish(`code=a&state=s&iss=${iss}&iss=${iss}`), 'failed');
  t.equal(await finish(`code=a&state=s&iss=${iss}`, {}), 'failed');
  t.equal(await finish(`code=a&state=s&iss=${iss}`, { nonce: 'n' }), 'failed');
  t.notOk(
    issuer.requests.some(({ path }) => path === '/token'),
    'no code was sent',
  );
});

t.test('accepts a callback without iss from a provider that does not support it', async (t) => {
  const issuer = await startFakeIssuer(t);
  issuer.metadata['authorization_response_iss_parameter_supported'] = undefined;
  issuer.callback['iss'] = undefined;
  const provider = oidcProviderOf(issuer);
  t.match(await issuer.signIn(provider), { subject: 'ada-1' });
  issuer.callback['iss'] = 'https://evil.test';
  t.equal(await failureOf(issuer.signIn(provider)), 'failed', 'a wrong one is still refused');
});

t.test('tells a refusal by the person from an error of the provider', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  issuer.callback['code'] = undefined;
  for (const [error, failure, message] of [
    ['access_denied', 'denied', 'The provider answered access_denied.'],
    ['user_cancelled_authorize', 'denied', 'The provider answered user_cancelled_authorize.'],
    ['server_error', 'failed', 'The provider answered server_error.'],
    ['<script>', 'failed', 'The provider answered an error that is not registered.'],
  ] as const) {
    Object.assign(issuer.callback, { error, error_description: 'secret-description' });
    t.match(await errorOf(issuer.signIn(provider)), { failure, message });
  }
});

t.test('refuses token answers that are none', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  for (const [answer, message] of [
    [json({ error: 'invalid_client' }, 401), /^The provider answered invalid_client\.$/],
    [json({ error: 'invalid_grant' }, 400), /^The provider answered invalid_grant\.$/],
    [json({ error: 'bad_verification_code' }), /^The provider answered bad_verification_code\.$/],
    [json({}, 500), /status/],
    [json('<html>', 200, 'text/html'), /content-type/],
    [json('{'), /parse/],
    [json('null'), /object/],
    [json({ access_token: 'x', token_type: 'Bearer' }), /id_token/],
    [json({ access_token: 'x', token_type: 'mac', id_token: 'x' }), /refused|processed/],
    [json({ token_type: 'Bearer' }), /access_token/],
    [json(`{"a":"${'x'.repeat(262_144)}"}`), /exceeds 262144 bytes/],
    [(response) => response.writeHead(302, { location: `${issuer.url}/keys` }).end(), /status/],
    [(response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end(), /status is 401/],
    [(response) => response.destroy(), /connection failed/],
  ] as readonly (readonly [ReturnType<typeof json>, RegExp])[]) {
    issuer.answers.set('/token', answer);
    const error = await errorOf(issuer.signIn(provider));
    t.match(error, { failure: 'failed', message }, String(message));
  }
});

t.test('refuses discovery documents of another issuer, and unsafe ones', async (t) => {
  const issuer = await startFakeIssuer(t);
  const start = () => oidcProviderOf(issuer).start(CALLBACK, 's');
  for (const metadata of [
    { issuer: 'https://evil.test' },
    { issuer: `${issuer.url}/` },
    { issuer: undefined },
    { issuer: ['x'] },
    { authorization_endpoint: 'javascript:alert(1)' },
    { authorization_endpoint: 'http://evil.test/authorize' },
    { authorization_endpoint: undefined },
  ]) {
    Object.assign(issuer.metadata, { issuer: issuer.url, authorization_endpoint: `${issuer.url}/authorize` }, metadata);
    t.equal(await failureOf(start()), 'failed', JSON.stringify(metadata));
  }
  Object.assign(issuer.metadata, { issuer: issuer.url, authorization_endpoint: `${issuer.url}/authorize` });
  await start();
  for (const answer of [
    json({}, 404),
    json({}, 500),
    json('<html>', 200, 'text/html'),
    json('[]'),
    json(`{"issuer":"${issuer.url}","a":"${'x'.repeat(262_144)}"}`),
    json(`{"issuer":"${issuer.url}","authorization_endpoint":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
    (response) => response.writeHead(302, { location: `${issuer.url}/elsewhere` }).end(),
  ] as readonly ReturnType<typeof json>[]) {
    issuer.answers.set('/.well-known/openid-configuration', answer);
    t.equal(await failureOf(start()), 'failed');
  }
  t.notOk(
    issuer.requests.some(({ path }) => path === '/elsewhere'),
    'no redirect is followed',
  );
});

t.test('refuses the template that Microsoft has for all tenants', async (t) => {
  const issuer = await startFakeIssuer(t);
  issuer.metadata['issuer'] = `${issuer.url}/{tenantid}/v2.0`;
  t.match(await errorOf(issuer.signIn(oidcProviderOf(issuer))), { failure: 'failed', message: /issuer/ });
});

t.test('sends nothing to endpoints in the private network', async (t) => {
  const issuer = await startFakeIssuer(t);
  for (const host of ['10.0.0.1', '169.254.169.254', '[fd00::1]', '192.168.1.1']) {
    issuer.metadata['token_endpoint'] = `https://${host}/token`;
    t.match(await errorOf(issuer.signIn(oidcProviderOf(issuer))), { message: /public internet/ }, host);
  }
  Object.assign(issuer.metadata, { token_endpoint: `${issuer.url}/token`, jwks_uri: 'http://idp.test/keys' });
  t.match(await errorOf(issuer.signIn(oidcProviderOf(issuer))), { message: /not https/ });
});

t.test('keeps tokens, claims and answers out of its errors', async (t) => {
  const issuer = await startFakeIssuer(t);
  const provider = oidcProviderOf(issuer);
  const errors: IdentityProviderError[] = [];
  const attempt = async () => errors.push(await errorOf(issuer.signIn(provider)));
  issuer.claims['nonce'] = 'another';
  await attempt();
  issuer.claims['nonce'] = undefined;
  await attempt();
  issuer.idToken = (claims) => signed(claims, stranger);
  await attempt();
  issuer.answers.set('/token', json('{"access_token":"the-access-token" the-rest'));
  await attempt();
  issuer.answers.set('/token', json({ error: 'the-error', error_description: 'the-description' }, 400));
  await attempt();
  for (const error of errors)
    t.notMatch(inspect(error, { depth: 10 }), /the-|code-\d|ada|eyJ|TheSecret|another/i, error.message);
  t.equal(errors.length, 5);
});
