import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { corsPlugin } from '../../src/fastify/cors.js';
import { rateLimitPlugin } from '../../src/fastify/rate-limit.js';
import { securityHeadersPlugin } from '../../src/fastify/security-headers.js';
import { startTestApp } from '../helpers/app.js';
import { listen, startTestServer, type TestServer } from '../helpers/server.js';
import { openSocket, refusedUpgrade } from '../helpers/websocket.js';

const ORIGIN = 'https://app.example.com';

/** Two requests per network, four per principal. `good:<name>` is a valid token. */
async function server(t: Parameters<typeof startTestServer>[0], env: Record<string, string> = {}): Promise<TestServer> {
  const started = startTestServer(t, env);
  const { app, config } = started;
  await app.register(securityHeadersPlugin, { config });
  await app.register(corsPlugin, { origins: [ORIGIN], credentialHeaders: ['authorization'] });
  await app.register(rateLimitPlugin, {
    anonymous: { max: 2, windowMs: 60_000 },
    authenticated: { max: 4, windowMs: 30_000 },
    principalOf: ({ headers }) => /^good:(\w+)$/.exec(headers.authorization ?? '')?.[1],
  });
  app.get('/', (request) => ({ ip: request.ip }));
  app.get('/charge/:name', async (request) => {
    await app.chargePrincipal(request, (request.params as { name: string }).name);
    return {};
  });
  app.get('/work/:requests', async (request) => {
    await app.chargeRequest(request, Number((request.params as { requests: string }).requests));
    return {};
  });
  app.get('/probe', { config: { rateLimit: false } }, () => ({}));
  return started;
}

/** The number of requests before the first refusal. */
async function allowance(
  { app }: TestServer,
  request: (index: number) => { remoteAddress?: string; headers?: Record<string, string>; url?: string },
) {
  for (let index = 0; index < 10; index += 1) {
    const { statusCode } = await app.inject({ url: '/', ...request(index) });
    if (statusCode === 429) return index;
  }
  return Infinity;
}

t.test('answers 429 RATE_LIMIT_EXCEEDED with retryAfter above the limit', async (t) => {
  const started = await server(t);
  t.equal(await allowance(started, () => ({})), 2);
  const response = await started.app.inject('/');
  t.equal(response.statusCode, 429);
  const { errors } = response.json<{ errors: { extensions: { code: string; retryAfter: number } }[] }>();
  t.match(errors, [{ message: 'Too many requests; try again later.', extensions: { code: 'RATE_LIMIT_EXCEEDED' } }]);
  const retryAfter = errors[0]?.extensions.retryAfter ?? 0;
  t.ok(retryAfter >= 1 && retryAfter <= 60);
  t.match(response.headers, {
    'retry-after': String(retryAfter),
    'x-ratelimit-limit': '2',
    'x-ratelimit-remaining': '0',
  });
  t.match(started.logs.at(-1), { status: 429, code: 'RATE_LIMIT_EXCEEDED', level: 30 });
});

t.test('counts upgrades of a network separately, with the higher limit', async (t) => {
  const limits = { RATE_LIMIT_ANONYMOUS: '2/1m', RATE_LIMIT_AUTHENTICATED: '4/1m' };
  const { server: app } = await startTestApp(t, limits);
  const port = await listen(app);
  for (let count = 1; count <= 4; count += 1) {
    const { ws, closed } = await openSocket(port);
    ws.close();
    await closed;
  }
  t.match(await refusedUpgrade(port), { status: 429 });
  /** Without `Connection: Upgrade`, so that Node serves the request with its body. */
  const post = async (upgrade: string) => {
    const socket = connect(port, '127.0.0.1');
    const body = '{"query":"{ __typename }"}';
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: a\r\nUpgrade: ${upgrade}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    return Number(answer.toString().split(' ', 2)[1]);
  };
  t.same([await post('websocket'), await post('h2c'), await post('websocket')], [200, 200, 429]);
});

t.test('counts an address by its network', async (t) => {
  const started = await server(t);
  t.equal(await allowance(started, (index) => ({ remoteAddress: `2001:db8:0:1::${index}` })), 2);
  t.equal(
    await allowance(started, () => ({ remoteAddress: '2001:db8:0:2::1' })),
    2,
    'the next /64 has a separate limit',
  );
  t.equal(
    await allowance(started, (index) => ({ remoteAddress: index % 2 === 0 ? '203.0.113.7' : '::ffff:203.0.113.7' })),
    2,
  );
});

t.test('counts a principal separately, from any address', async (t) => {
  const started = await server(t);
  t.equal(await allowance(started, () => ({})), 2);
  const headers = { authorization: 'good:alice' };
  t.equal(await allowance(started, (index) => ({ headers, remoteAddress: `203.0.113.${index}` })), 4);
  t.equal(await allowance(started, () => ({ headers: { authorization: 'good:bob' } })), 4);
  const refused = await started.app.inject({ url: '/', headers });
  t.ok(Number(refused.headers['retry-after']) <= 30, 'the window of the principal');
});

t.test('adds charges to the requests of a principal', async (t) => {
  const started = await server(t);
  const charge = (index: number) => ({ url: '/charge/alice', remoteAddress: `203.0.113.${index}` });
  const { statusCode } = await started.app.inject({ url: '/', headers: { authorization: 'good:alice' } });
  t.equal(statusCode, 200);
  t.equal(await allowance(started, charge), 3);
  const refused = await started.app.inject({ url: '/', headers: { authorization: 'good:alice' } });
  t.equal(refused.statusCode, 429);
  t.equal(
    await allowance(started, () => ({ headers: { authorization: 'good:bob' } })),
    4,
    'but not of other principals',
  );
});

t.test('counts an expensive request as several of the same principal or network', async (t) => {
  const started = await server(t);
  const headers = { authorization: 'good:alice' };
  t.equal((await started.app.inject({ url: '/work/2', headers })).statusCode, 200);
  t.equal(await allowance(started, () => ({ headers })), 1, 'three of four are used');
  t.equal((await started.app.inject({ url: '/work/9' })).statusCode, 429);
  t.equal(await allowance(started, () => ({})), 0);
});

t.test('counts forged tokens by network', async (t) => {
  const started = await server(t);
  t.equal(await allowance(started, (index) => ({ headers: { authorization: `forged:${index}` } })), 2);
});

t.test('keeps the key of a principal apart from a forwarded address that spells it', async (t) => {
  const started = await server(t, { TRUST_PROXY: '127.0.0.1' });
  t.equal(await allowance(started, () => ({ headers: { 'x-forwarded-for': 'principal:alice' } })), 2);
  t.equal(await allowance(started, () => ({ headers: { authorization: 'good:alice' } })), 4);
});

t.test('counts unknown routes, but neither probes nor preflights of allowed origins', async (t) => {
  const started = await server(t);
  t.equal(await allowance(started, () => ({ url: '/probe' })), Infinity);
  const preflight = { origin: ORIGIN, 'access-control-request-method': 'POST' };
  for (let index = 0; index < 5; index += 1) {
    t.equal((await started.app.inject({ method: 'OPTIONS', url: '/', headers: preflight })).statusCode, 204);
  }
  t.equal(await allowance(started, (index) => ({ url: `/nowhere/${index}` })), 2);
  const stranger = await started.app.inject({
    method: 'OPTIONS',
    url: '/',
    headers: { ...preflight, origin: 'https://evil.example.com' },
  });
  t.equal(stranger.statusCode, 429);
});

t.test(
  'accepts a forwarded address from a trusted proxy only, and uses the last one that is no trusted proxy',
  async (t) => {
    const direct = await server(t);
    t.equal(
      await allowance(direct, (index) => ({ headers: { 'x-forwarded-for': `203.0.113.${index}` } })),
      2,
      'spoofed without proxies',
    );

    const proxied = await server(t, { TRUST_PROXY: '10.0.0.0/8' });
    const through = (remoteAddress: string, forwarded: string) => ({
      remoteAddress,
      headers: { 'x-forwarded-for': forwarded },
    });
    const ipSeen = async (request: object) =>
      (await proxied.app.inject({ url: '/', ...request })).json<{ ip: string }>().ip;
    t.equal(await ipSeen(through('10.0.0.1', '203.0.113.50')), '203.0.113.50');
    t.equal(await ipSeen(through('10.0.0.1', '198.51.100.1, 203.0.113.51, 10.9.9.9')), '203.0.113.51');
    t.equal(await ipSeen(through('192.0.2.9', '203.0.113.52')), '192.0.2.9');
    t.equal(
      await allowance(proxied, (index) => through('192.0.2.1', `203.0.113.${index}`)),
      2,
      'spoofed past the proxy',
    );
    t.equal(
      await allowance(proxied, (index) => through('10.0.0.1', `198.51.100.${index}, 203.0.113.7`)),
      2,
      'spoofed through the proxy',
    );
    t.equal(await allowance(proxied, () => through('10.0.0.1', '203.0.113.8')), 2, 'another client of the proxy');
  },
);

t.test('ignores ports in forwarded addresses of clients and proxies', async (t) => {
  const proxied = await server(t, { TRUST_PROXY: '10.0.0.0/8, 2001:db8:a::/48' });
  const through = (forwarded: string) => ({ remoteAddress: '10.0.0.1', headers: { 'x-forwarded-for': forwarded } });
  t.equal(await allowance(proxied, (index) => through(`203.0.113.7:${5000 + index}`)), 2);
  t.equal(await allowance(proxied, (index) => through(`203.0.113.8:${5000 + index}, [2001:db8:a::1]:443`)), 2);
  t.equal(await allowance(proxied, (index) => through(`[2001:db8::${index}]:443`)), 2);
  t.equal(await allowance(proxied, () => through('203.0.113.9')), 2, 'another client');
  t.equal(proxied.logs.at(-1)?.['ip'], '203.0.113.9');
});
