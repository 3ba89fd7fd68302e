/** Services that fail under load and recover, and instances that stop. Uses real processes, and services that the test starts. */
import t from 'tap';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { migratedDataDir } from '../helpers/embedded-template.js';
import { onRedis } from '../helpers/events.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { ask, probe, register, someone, startInstance, startLoad, until } from '../helpers/instances.js';
import { mixedLoad } from '../helpers/load.js';
import { LOGIN, ME, PASSWORD, REGISTER } from '../helpers/seed.js';
import { hasRedis, privateRedis } from '../helpers/services.js';

const POSTGRES = { DATABASE_TIMEOUT: '2s' };

if (onRealPostgres) {
  t.test('recovers after all connections to Postgres are cut under load, repeatedly', async (t) => {
    const proxy = await faultProxy(t, await createTestDatabase(t), 5432);
    const server = await startInstance(t, { ...POSTGRES, DATABASE_URL: proxy.url });
    const { accessToken } = await register(server);
    const load = mixedLoad(t, server, accessToken);
    for (let time = 0; time < 10; time += 1) {
      await load.untilServed(20);
      proxy.cut();
    }
    await load.stop();
    t.same(load.bad, []);
    t.equal(server.child.exitCode, null);
    t.equal((await ask(server, ME, {}, { token: accessToken })).code, undefined);
  });
}

if (onRedis && hasRedis) {
  t.test('serves every request while Redis is unavailable and after it returns', async (t) => {
    const redis = await privateRedis(t);
    const database = onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};
    const server = await startInstance(t, { ...database, REDIS_URL: redis.url });
    const connected = async () =>
      (await (await fetch(`${server.url}/metrics`)).text()).includes('latchkey_events_connected 1');
    await until(connected);
    const { accessToken } = await register(server);
    const load = mixedLoad(t, server, accessToken);
    await load.untilServed(20);
    await redis.stop();
    await until(async () => !(await connected()));
    t.equal(await probe(server), 200, 'ready without Redis');
    await load.untilServed(20);
    await redis.start();
    t.comment(`events again after ${Math.round(await until(connected))} ms`);
    await load.untilServed(20);
    await load.stop();
    t.same(load.bad, []);
    t.equal(load.refused(), 0);
    t.match(server.output(), /Redis connection lost/);
  });

  t.test('starts and serves without a reachable Redis', async (t) => {
    const database = onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};
    const server = await startInstance(t, { ...database, REDIS_URL: 'redis://:hunter2hunter2@127.0.0.1:1' });
    t.equal(await probe(server), 200);
    await register(server);
    t.match(server.output(), /Redis connection lost/);
    t.notMatch(server.output(), 'hunter2');
    t.equal(await server.end('SIGTERM'), 0);
  });
}

t.test('answers every request after SIGTERM under load, and keeps every acknowledged write', async (t) => {
  const database = onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};
  const env = { ...database, DATA_DIR: await migratedDataDir(t), LOG_LEVEL: 'info', SHUTDOWN_DELAY: '5s' };
  const server = await startInstance(t, env);
  const acknowledged: string[] = [];
  const broken: unknown[] = [];
  /** The view of a client that does not stop sending requests at once. */
  let ready = true;
  const watch = startLoad(t, 1, async () => {
    ready = (await probe(server)) === 200;
    await new Promise((resolve) => setTimeout(resolve, 50));
  });
  const load = startLoad(t, 8, async () => {
    if (!ready) return new Promise((resolve) => setTimeout(resolve, 50));
    const input = someone();
    const { data, code } = await ask(server, REGISTER, { input }).catch((error: unknown) => ({
      data: null,
      code: error,
    }));
    if (data) acknowledged.push(input.username);
    else broken.push(code);
    return undefined;
  });
  await until(async () => acknowledged.length > 30);
  t.equal(await server.end('SIGTERM'), 0);
  t.equal(ready, false);
  await load.stop();
  await watch.stop();
  t.same(broken, []);
  t.match(server.output(), /Shutdown complete/);
  const next = await startInstance(t, env);
  for (const identifier of acknowledged) {
    t.equal((await ask(next, LOGIN, { input: { identifier, password: PASSWORD } })).code, undefined);
  }
});
