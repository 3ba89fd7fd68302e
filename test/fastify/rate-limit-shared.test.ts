/** Request limits shared through Redis, and their fallback while Redis is unavailable. */
import { randomUUID } from 'node:crypto';
import t from 'tap';
import { corsPlugin } from '../../src/fastify/cors.js';
import { securityHeadersPlugin } from '../../src/fastify/security-headers.js';
import { rateLimitPlugin } from '../../src/fastify/rate-limit.js';
import { connectRedis, type RedisConnection } from '../../src/redis/connection.js';
import type { TestScope } from '../helpers/app.js';
import { onRedis, quietLog, REDIS_URL } from '../helpers/events.js';
import { faultProxy, type FaultProxy } from '../helpers/fault-proxy.js';
import { startTestServer } from '../helpers/server.js';

/** Three requests per network. */
async function instance(t: TestScope, url: string, prefix: string) {
  const { app, config } = startTestServer(t);
  const redis = connectRedis(url, 'requests', quietLog);
  t.teardown(() => redis.close());
  await app.register(securityHeadersPlugin, { config });
  await app.register(corsPlugin, { origins: [], credentialHeaders: ['authorization'] });
  await app.register(rateLimitPlugin, {
    anonymous: { max: 3, windowMs: 60_000 },
    authenticated: { max: 3, windowMs: 60_000 },
    principalOf: () => undefined,
    shared: { redis, prefix },
  });
  app.get('/', () => ({}));
  app.get('/charge', (request) => app.chargePrincipal(request, 'alice').then(() => ({})));
  await app.ready();
  await isUp(redis, true);
  const ask = async (remoteAddress = '203.0.113.1') => (await app.inject({ url: '/', remoteAddress })).statusCode;
  let charges = 0;
  /** Uses another address each time, so that only the principal is limited. */
  const charge = async () => {
    charges += 1;
    return (await app.inject({ url: '/charge', remoteAddress: `198.51.100.${charges}` })).statusCode;
  };
  return { ask, charge, app, redis };
}
async function isUp(redis: RedisConnection, up: boolean): Promise<void> {
  if (redis.isUp() !== up) await new Promise<void>((resolve) => redis.onChange((now) => now === up && resolve()));
}
const prefix = () => `latchkey-test:${randomUUID()}:`;

if (onRedis) {
  t.test('shares counters between instances, but not between deployments', async (t) => {
    const mine = prefix();
    const [one, other] = [await instance(t, REDIS_URL, mine), await instance(t, REDIS_URL, mine)];
    t.same([await one.ask(), await other.ask(), await one.ask()], [200, 200, 200]);
    t.same([await other.ask(), await one.ask()], [429, 429]);
    const refused = await other.app.inject({ url: '/', remoteAddress: '203.0.113.1' });
    t.match(refused.json(), { errors: [{ extensions: { code: 'RATE_LIMIT_EXCEEDED' } }] });
    t.match(refused.headers, { 'retry-after': /^\d+$/, 'x-ratelimit-remaining': '0' });
    const stranger = await instance(t, REDIS_URL, prefix());
    t.equal(await stranger.ask(), 200);
  });

  t.test('shares the counter of a principal between instances', async (t) => {
    const mine = prefix();
    const [one, other] = [await instance(t, REDIS_URL, mine), await instance(t, REDIS_URL, mine)];
    t.same([await one.charge(), await other.charge(), await one.charge()], [200, 200, 200]);
    t.same([await other.charge(), await one.charge()], [429, 429]);
  });

  const FAULTS: Record<string, (proxy: FaultProxy) => void | Promise<void>> = {
    'refuses connections': (proxy) => proxy.refuse(),
    'answers nothing': (proxy) => proxy.stall(),
  };
  for (const [fault, cause] of Object.entries(FAULTS)) {
    t.test(`counts per instance without failing requests while Redis ${fault}`, async (t) => {
      const proxy = await faultProxy(t, REDIS_URL, 6379);
      const shared = prefix();
      const [{ ask, charge, redis }, other] = [
        await instance(t, proxy.url, shared),
        await instance(t, REDIS_URL, shared),
      ];
      t.equal(await ask(), 200);
      await cause(proxy);
      t.same([await ask(), await ask(), await ask(), await ask()], [200, 200, 200, 429], 'a full limit per instance');
      t.same(
        [await charge(), await charge(), await charge(), await charge()],
        [200, 200, 200, 429],
        'also for charges',
      );
      await isUp(redis, false);
      await proxy.pass();
      await isUp(redis, true);
      const elsewhere = '203.0.113.2';
      t.same([await ask(elsewhere), await other.ask(elsewhere), await ask(elsewhere)], [200, 200, 200]);
      t.equal(await other.ask(elsewhere), 429, 'shared again');
    });
  }
} else {
  t.test('has no shared counters without REDIS_URL', async (t) => t.equal(REDIS_URL, ''));
}
