/** Discovery documents, and CORS of the endpoints that browsers call. */
import t from 'tap';
import type { TestApp } from '../helpers/app.js';
import { startTestApp } from '../helpers/app.js';

const get = async ({ server }: Pick<TestApp, 'server'>, url: string, headers: Record<string, string> = {}) =>
  server.inject({ method: 'GET', url, headers });

t.test('describes this server in both documents, whatever the Host header says', async (t) => {
  const app = await startTestApp(t);
  const documents = await Promise.all(
    ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'].map((url) =>
      get(app, url, { host: 'evil.example', 'x-forwarded-host': 'evil.example' }),
    ),
  );
  const [one, other] = documents.map((response) => response.json<Record<string, unknown>>());
  t.same(one, other);
  t.match(one, {
    issuer: 'http://auth.test',
    token_endpoint: 'http://auth.test/oauth/token',
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    request_uri_parameter_supported: false,
  });
  t.notOk(JSON.stringify(one).includes('evil'));
  t.equal(documents[0]!.headers['access-control-allow-origin'], '*');
});

t.test('lists only endpoints that exist', async (t) => {
  const app = await startTestApp(t);
  const metadata = (await get(app, '/.well-known/openid-configuration')).json<Record<string, unknown>>();
  const urls = Object.entries(metadata).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name));
  t.ok(urls.length >= 6);
  for (const [name, url] of urls) {
    const path = new URL(String(url)).pathname;
    t.ok(
      ['GET', 'POST'].some((method) => app.server.hasRoute({ method: method, url: path })),
      name,
    );
  }
});

t.test('names the registration only if it is on', async (t) => {
  const read = async (registration: string) => {
    const app = await startTestApp(t, { OAUTH_REGISTRATION: registration });
    return (await get(app, '/.well-known/openid-configuration')).json<Record<string, unknown>>();
  };
  const off = await read('off');
  t.notOk('registration_endpoint' in off);
  t.equal(off['client_id_metadata_document_supported'], false);
  const open = await read('open');
  t.equal(open['registration_endpoint'], 'http://auth.test/oauth/register');
  t.equal(open['client_id_metadata_document_supported'], true);
});

t.test('serves the document of an issuer with a path at the places of both specifications', async (t) => {
  const app = await startTestApp(t, { PUBLIC_URL: 'https://example.com/auth' });
  for (const url of [
    '/auth/.well-known/openid-configuration',
    '/.well-known/openid-configuration/auth',
    '/.well-known/oauth-authorization-server/auth',
    '/auth/.well-known/oauth-authorization-server',
  ]) {
    const response = await get(app, url);
    t.equal(response.statusCode, 200, url);
    const { issuer, token_endpoint: token } = response.json<Record<string, unknown>>();
    t.same([issuer, token], ['https://example.com/auth', 'https://example.com/auth/oauth/token']);
  }
});

t.test('lets pages of any origin call the endpoints of clients in browsers, without credentials', async (t) => {
  const app = await startTestApp(t, { CORS_ORIGINS: 'https://known.example', OAUTH_REGISTRATION: 'open' });
  const preflight = (url: string, origin: string) =>
    app.server.inject({
      method: 'OPTIONS',
      url,
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });
  for (const url of [
    '/oauth/token',
    '/oauth/userinfo',
    '/oauth/revoke',
    '/oauth/register',
    '/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server',
  ]) {
    const { statusCode, headers } = await preflight(url, 'https://app.example');
    t.equal(statusCode, 204, url);
    t.equal(headers['access-control-allow-origin'], '*');
    t.equal(headers['access-control-allow-credentials'], undefined);
    t.match(headers['access-control-allow-headers'], /authorization/);
  }
  const known = await preflight('/oauth/token', 'https://known.example');
  t.equal(known.headers['access-control-allow-origin'], 'https://known.example');
  for (const url of ['/.well-known/openid-configuration', '/.well-known/jwks.json']) {
    const { headers } = await get(app, url, { origin: 'https://known.example' });
    t.equal(headers['access-control-allow-origin'], 'https://known.example', url);
  }
  const closed = await preflight('/oauth/introspect', 'https://app.example');
  t.equal(closed.headers['access-control-allow-origin'], undefined);
});

t.test('answers other methods with 405, and reads no body', async (t) => {
  const app = await startTestApp(t, { OAUTH_REGISTRATION: 'open' });
  const allowed: Record<string, string> = {
    '/oauth/token': 'POST',
    '/oauth/revoke': 'POST',
    '/oauth/introspect': 'POST',
    '/oauth/device_authorization': 'POST',
    '/oauth/register': 'POST',
    '/oauth/userinfo': 'GET, POST',
  };
  const answers: Record<string, string> = {};
  for (const [url, allow] of Object.entries(allowed))
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'] as const) {
      if (allow.includes('GET') && (method === 'GET' || method === 'HEAD')) continue;
      const payload = method === 'PUT' ? { payload: '{', headers: { 'content-type': 'application/json' } } : {};
      const { statusCode, headers } = await app.server.inject({ method, url, ...payload });
      if (statusCode !== 405 || headers['allow'] !== allow) answers[`${method} ${url}`] = `${statusCode}`;
    }
  t.same(answers, {});
  const { body } = await get(app, '/oauth/token');
  t.match(JSON.parse(body), { error: 'invalid_request' });
});

t.test('lets pages of any origin read that they are throttled', async (t) => {
  const app = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '1/1m', OAUTH_REGISTRATION: 'open' });
  await get(app, '/oauth/userinfo');
  const requests = [
    ['GET', '/.well-known/openid-configuration'],
    ['GET', '/.well-known/jwks.json'],
    ['GET', '/oauth/userinfo'],
    ['POST', '/oauth/token'],
    ['POST', '/oauth/register'],
  ] as const;
  for (const [method, url] of requests) {
    const { statusCode, headers } = await app.server.inject({
      method,
      url,
      headers: { origin: 'https://app.example' },
    });
    t.equal(statusCode, 429, url);
    t.equal(headers['access-control-allow-origin'], '*', url);
  }
});
