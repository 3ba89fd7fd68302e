/** The OAuth provider in an application that mounts it below a prefix. */
import fastify from 'fastify';
import t from 'tap';
import { latchkey } from '../../src/index.js';
import { register, send } from '../helpers/embedded-client.js';
import { embeddedConfig } from '../helpers/foreign-app.js';
import { REDIRECT_URI } from '../helpers/oauth.js';
import { oauthBrowser, responseOf } from '../helpers/oauth-browser.js';
import { PASSWORD } from '../helpers/seed.js';

const ISSUER = 'http://host.test/auth';
const EMAIL = 'root@mail.test';
const app = fastify();
t.teardown(() => app.close());
const config = { ...(await embeddedConfig(t)), BOOTSTRAP_ADMIN_EMAIL: EMAIL, BOOTSTRAP_ADMIN_PASSWORD: PASSWORD };
await app.register(latchkey, { prefix: '/auth', config });
app.get('/movies', { preHandler: app.latchkey.requireScopes([['read:content']]) }, () => 'Metropolis');
app.get('/history', { preHandler: app.latchkey.requireScopes([['read:history']]) }, () => 'none');
await app.ready();

async function createClient() {
  const login = `mutation { login(input: { identifier: "${EMAIL}", password: "${PASSWORD}" }) { accessToken } }`;
  const { data: admin } = await send(app, login);
  const create = `mutation { createOAuthClient(input: { name: "TV", redirectUris: ["${REDIRECT_URI}"], requirePkce: false }) {
    secret client { id } } }`;
  const { data } = await send(app, create, {}, admin.login.accessToken);
  const { secret, client } = data.createOAuthClient;
  return { client_id: client.id as string, client_secret: secret as string };
}

t.test('signs in, and admits the client to routes of the application by its scopes', async (t) => {
  await register(app);
  const client = await createClient();
  const browser = oauthBrowser(app, 'http://host.test');
  const query = {
    client_id: client.client_id,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid read:content',
  };
  t.match(await browser.open(`/auth/oauth/authorize?${new URLSearchParams(query).toString()}`), {
    path: '/auth/oauth/login',
  });
  t.match(await browser.submit({ identifier: 'user1', password: 'a quiet brass telescope' }), {
    path: '/auth/oauth/consent',
  });
  const { code, iss } = responseOf(await browser.submit({ decision: 'allow' }));
  t.equal(iss, ISSUER);
  const form = { grant_type: 'authorization_code', code: code!, redirect_uri: REDIRECT_URI, ...client };
  const exchanged = await app.inject({
    method: 'POST',
    url: '/auth/oauth/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString(),
  });
  const headers = { authorization: `Bearer ${exchanged.json<{ access_token: string }>().access_token}` };
  const statusOf = async (url: string) => (await app.inject({ url, headers })).statusCode;
  t.equal(await statusOf('/movies'), 200);
  t.equal(await statusOf('/history'), 403);
  t.equal(await statusOf('/auth/oauth/userinfo'), 200);
});

t.test('names its endpoints below the prefix, with CORS and methods of its own', async (t) => {
  const { body } = await app.inject('/auth/.well-known/openid-configuration');
  t.match(JSON.parse(body), { issuer: ISSUER, token_endpoint: `${ISSUER}/oauth/token` });
  const headers = { origin: 'https://spa.example', 'access-control-request-method': 'POST' };
  const preflight = await app.inject({ method: 'OPTIONS', url: '/auth/oauth/token', headers });
  t.match(preflight, { statusCode: 204, headers: { 'access-control-allow-origin': '*' } });
  t.match(await app.inject('/auth/oauth/token'), { statusCode: 405, headers: { allow: 'POST' } });
  t.equal((await app.inject('/oauth/token')).statusCode, 404, 'nothing is outside of the prefix');
});
