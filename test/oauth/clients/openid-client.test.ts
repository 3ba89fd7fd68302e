/** openid-client 6 signs in, refreshes and revokes with each method of client authentication. */
import t from 'tap';
import { exportJWK, generateKeyPair } from 'jose';
import * as client from 'openid-client';
import type { OAuthClient } from '../../../src/oauth/clients/client.js';
import { startListeningApp, synchronise } from '../../helpers/listening-app.js';
import { answerForms, authorize, oauthBrowser } from '../../helpers/oauth-browser.js';
import { REDIRECT_URI, seedClient } from '../../helpers/oauth.js';

const app = await startListeningApp(t);
const user = await app.user();
const keys = await generateKeyPair('ES256', { extractable: true });
const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
// eslint-disable-next-line @typescript-eslint/no-deprecated -- the server is on loopback, without TLS
const insecure = { execute: [client.allowInsecureRequests] };

interface Method {
  readonly name: string;
  readonly seed: Partial<OAuthClient>;
  authenticate(secret: string): client.ClientAuth;
}

const METHODS: readonly Method[] = [
  { name: 'client_secret_post', seed: {}, authenticate: (secret) => client.ClientSecretPost(secret) },
  { name: 'client_secret_basic', seed: {}, authenticate: (secret) => client.ClientSecretBasic(secret) },
  {
    name: 'private_key_jwt',
    seed: { authMethod: 'PRIVATE_KEY_JWT', jwks: { keys: [jwk] } },
    authenticate: () => client.PrivateKeyJwt({ key: keys.privateKey, kid: 'one' }),
  },
  {
    name: 'none',
    seed: { type: 'PUBLIC', authMethod: 'NONE', requirePkce: true },
    authenticate: () => client.None(),
  },
];

/** @param algorithm which of the two metadata documents the client reads */
async function configure(
  { seed, authenticate }: Method,
  overrides: Partial<OAuthClient> = {},
  algorithm: 'oidc' | 'oauth2' = 'oidc',
) {
  synchronise(app);
  const { client: seeded, secret } = await seedClient(app, { ...seed, redirectUris: [REDIRECT_URI], ...overrides });
  const options = { ...insecure, algorithm };
  return client.discovery(new URL(app.url), seeded.id, undefined, authenticate(secret), options);
}

/** Signs in with PKCE. @param nonce for OpenID Connect */
async function signIn(config: client.Configuration, scope: string, nonce?: string) {
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope,
    state,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(nonce === undefined ? {} : { nonce }),
  });
  const returned = await authorize(app, url, user);
  return client.authorizationCodeGrant(config, returned, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    ...(nonce === undefined ? {} : { expectedNonce: nonce, idTokenExpected: true }),
  });
}

/** The error code that the server answered. */
async function errorOf(request: Promise<unknown>): Promise<string | undefined> {
  return request.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError)
        return error.error;
      throw error;
    },
  );
}

for (const method of METHODS) {
  t.test(`signs in with OpenID Connect and ${method.name}, refreshes and revokes`, async (t) => {
    const config = await configure(method);
    client.enableNonRepudiationChecks(config);
    const tokens = await signIn(config, 'openid email profile read:content', client.randomNonce());
    t.match(tokens.claims(), { sub: user.id, email: user.email });
    const info = await client.fetchUserInfo(config, tokens.access_token, user.id);
    t.match(info, { sub: user.id, email: user.email });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!);
    t.equal(refreshed.scope, 'openid email profile read:content');
    await client.tokenRevocation(config, refreshed.refresh_token!);
    t.equal(await errorOf(client.refreshTokenGrant(config, refreshed.refresh_token!)), 'invalid_grant');
    await t.rejects(client.fetchUserInfo(config, refreshed.access_token, user.id));
  });

  t.test(`signs in with plain OAuth and ${method.name}, refreshes and revokes`, async (t) => {
    const config = await configure(method, {}, 'oauth2');
    const tokens = await signIn(config, 'read:content');
    t.equal(tokens.id_token, undefined);
    t.equal(tokens.scope, 'read:content');
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!);
    const token = refreshed.access_token;
    t.match(await app.client().send('query { me { id } }', {}, { token }), { code: 'INSUFFICIENT_PERMISSIONS' });
    await client.tokenRevocation(config, token);
    t.match(await app.client().send('query { me { id } }', {}, { token }), { code: 'INVALID_TOKEN' });
  });

  t.test(`connects a device with ${method.name}`, async (t) => {
    const config = await configure(method, { grantTypes: ['DEVICE_CODE', 'REFRESH_TOKEN'] });
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid read:content' });
    const browser = oauthBrowser(app.server, app.url);
    await browser.open(device.verification_uri_complete!);
    await browser.submit({ user_code: device.user_code });
    await answerForms(browser, user);
    t.match(browser.shown.body, 'The device is connected');
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0 });
    t.match(tokens.claims(), { sub: user.id });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token!);
    await client.tokenRevocation(config, refreshed.refresh_token!);
    t.equal(await errorOf(client.refreshTokenGrant(config, refreshed.refresh_token!)), 'invalid_grant');
  });
}

t.test('detects a response that another server sent, or that lacks its issuer (mix-up)', async (t) => {
  const config = await configure(METHODS[0]!);
  const url = client.buildAuthorizationUrl(config, { redirect_uri: REDIRECT_URI, scope: 'openid', state: 'a-state' });
  const returned = await authorize(app, url, user);
  t.equal(returned.searchParams.get('iss'), app.url);
  const exchange = (change: (parameters: URLSearchParams) => void) => {
    const changed = new URL(returned);
    change(changed.searchParams);
    return client.authorizationCodeGrant(config, changed, { expectedState: 'a-state' });
  };
  await t.rejects(
    exchange((parameters) => parameters.set('iss', 'https://evil.example')),
    { cause: { message: /"iss"/ } },
  );
  await t.rejects(
    exchange((parameters) => parameters.delete('iss')),
    { cause: { message: /"iss"/ } },
  );
  await t.resolves(
    exchange(() => undefined),
    'the code was not sent before',
  );
});

t.test('reports that the person denied the request', async (t) => {
  const config = await configure(METHODS[0]!);
  const url = client.buildAuthorizationUrl(config, { redirect_uri: REDIRECT_URI, scope: 'openid', state: 'a-state' });
  const returned = await authorize(app, url, user, 'deny');
  const exchange = client.authorizationCodeGrant(config, returned, { expectedState: 'a-state' });
  t.equal(await errorOf(exchange), 'access_denied');
});
