import t from 'tap';
import { corsPlugin } from '../../src/fastify/cors.js';
import { securityHeadersPlugin } from '../../src/fastify/security-headers.js';
import { startTestServer, type TestServer } from '../helpers/server.js';

const ORIGIN = 'https://app.example.com';
const OTHER_ORIGINS = [
  'null',
  'https://evil.example.com',
  'http://app.example.com',
  `${ORIGIN}.evil.com`,
  `${ORIGIN}:8443`,
  `${ORIGIN}/`,
  'https://APP.example.com',
];

async function server(t: Parameters<typeof startTestServer>[0], origins: readonly string[]): Promise<TestServer> {
  const started = startTestServer(t);
  await started.app.register(securityHeadersPlugin, { config: started.config });
  await started.app.register(corsPlugin, { origins, credentialHeaders: ['authorization'] });
  started.app.post('/graphql', () => ({}));
  return started;
}

const corsHeadersOf = (headers: object) => Object.keys(headers).filter((name) => name.startsWith('access-control-'));

t.test('sends CORS headers for credentials to a listed origin and answers its preflights', async (t) => {
  const { app } = await server(t, ['https://other.example.com', ORIGIN]);
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/graphql',
    headers: { origin: ORIGIN, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-made-up' },
  });
  t.equal(preflight.statusCode, 204);
  t.match(preflight.headers, {
    'access-control-allow-origin': ORIGIN,
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, POST',
    'access-control-max-age': '600',
    'x-content-type-options': 'nosniff',
    vary: 'Origin',
  });
  t.match(preflight.headers['access-control-allow-headers'], /authorization.*content-type/);
  t.notMatch(preflight.headers['access-control-allow-headers'], /made-up/);

  const response = await app.inject({ method: 'POST', url: '/graphql', headers: { origin: ORIGIN } });
  t.match(response.headers, {
    'access-control-allow-origin': ORIGIN,
    'access-control-allow-credentials': 'true',
    vary: 'Origin',
  });
  t.match(response.headers['access-control-expose-headers'], /x-request-id.*retry-after/);
});

t.test('lets a listed origin read error responses', async (t) => {
  const { app } = await server(t, [ORIGIN]);
  const response = await app.inject({ url: '/nowhere', headers: { origin: ORIGIN } });
  t.match(response, { statusCode: 404, headers: { 'access-control-allow-origin': ORIGIN } });
});

for (const origins of [[ORIGIN], []]) {
  t.test(`sends no CORS headers to other origins with ${origins.length} origins listed`, async (t) => {
    const { app } = await server(t, origins);
    for (const origin of origins.length > 0 ? OTHER_ORIGINS : [ORIGIN, ...OTHER_ORIGINS]) {
      const response = await app.inject({ method: 'POST', url: '/graphql', headers: { origin } });
      t.same(corsHeadersOf(response.headers), [], origin);
      t.equal(response.headers.vary, 'Origin');
      const preflight = await app.inject({
        method: 'OPTIONS',
        url: '/graphql',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
      t.same(corsHeadersOf(preflight.headers), [], `preflight of ${origin}`);
      t.match(preflight.json(), { errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    }
    const sameOrigin = await app.inject({ method: 'POST', url: '/graphql' });
    t.same(corsHeadersOf(sameOrigin.headers), []);
  });
}
