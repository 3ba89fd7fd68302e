/** Services that go away under load and come back, and instances that end: real processes, services of the test's own. */
import t from 'tap';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { onRedis } from '../helpers/events.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { ask, probe, register, someone, startInstance, startLoad, until, type Answer } from '../helpers/instances.js';
import type { ServerProcess } from '../helpers/process.js';
import { LOGIN, ME, PASSWORD, REGISTER } from '../helpers/seed.js';
import { hasPostgres, hasRedis, privatePostgres, privateRedis } from '../helpers/services.js';

/** How long a request may take while something is away: the query's deadline, and room for a slow machine. */
const BOUND_MS = 6_000;
/** The goal for coming back is ten seconds. */
const RECOVERY_MS = 10_000;
const POSTGRES = { DATABASE_TIMEOUT: '2s' };

/** Everything but these two is a fault of the product. */
const isBounded = ({ code }: Answer) => code === undefined || code === 'SERVICE_UNAVAILABLE';

/** Reads and writes without a pause; what came of them. */
function mixedLoad(t: Parameters<typeof startLoad>[0], server: ServerProcess, token: string) {
  const bad: string[] = [];
  let [served, refused, slowestMs] = [0, 0, 0];
  const load = startLoad(t, 8, async (caller) => {
    const started = performance.now();
    const answer = await (
      caller % 2 === 0 ? ask(server, ME, {}, { token }) : ask(server, REGISTER, { input: someone() })
    ).catch((error: unknown) => ({ status: 0, data: undefined, code: String(error) }) as unknown as Answer);
    slowestMs = Math.max(slowestMs, performance.now() - started);
    if (!isBounded(answer)) bad.push(String(answer.code));
    else if (answer.code === undefined) served += 1;
    else {
      refused += 1;
      // Refusals come at once.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  return {
    load,
    bad,
    served: () => served,
    refused: () => refused,
    slowestMs: () => slowestMs,
  };
}

if (onRealPostgres && hasPostgres) {
  t.test('a Postgres that stops and starts under load', async (t) => {
    const service = await privatePostgres(t);
    const server = await startInstance(t, { ...POSTGRES, DATABASE_URL: service.url });
    const { accessToken } = await register(server);
    const { load, bad, served, refused, slowestMs } = mixedLoad(t, server, accessToken);
    await until(async () => served() > 50);
    for (let time = 0; time < 2; time += 1) {
      await service.stop();
      t.ok((await until(async () => (await probe(server)) === 503)) < BOUND_MS, '/readyz says so');
      t.equal(await probe(server, '/healthz'), 200);
      const before = refused();
      await until(async () => refused() > before + 20);
      await service.start();
      const tookMs = await until(async () => (await probe(server)) === 200);
      t.comment(`ready again after ${Math.round(tookMs)} ms`);
      t.ok(tookMs < RECOVERY_MS);
      const [servedBefore, refusedBefore] = [served(), refused()];
      await until(async () => served() > servedBefore + 50);
      t.ok(refused() - refusedBefore < 20, 'and serves');
    }
    await load.stop();
    t.same(bad, [], 'nothing but SERVICE_UNAVAILABLE in between');
    t.ok(slowestMs() < BOUND_MS, `the slowest answer took ${Math.round(slowestMs())} ms`);
    t.equal(server.child.exitCode, null, 'by the same process');
  });
}

if (onRealPostgres) {
  for (const [what, afterwards] of [
    ['healed', async () => undefined],
    ['cut', async (proxy: { cut(): void }) => proxy.cut()],
  ] as const) {
    t.test(`half-open connections to Postgres that are ${what}`, async (t) => {
      const proxy = await faultProxy(t, await createTestDatabase(t), 5432);
      const server = await startInstance(t, { DATABASE_TIMEOUT: '1s', DATABASE_URL: proxy.url });
      const { accessToken } = await register(server);
      const { load, bad, served, refused, slowestMs } = mixedLoad(t, server, accessToken);
      await until(async () => served() > 50);
      proxy.stall();
      t.ok((await until(async () => (await probe(server)) === 503)) < BOUND_MS);
      const before = refused();
      await until(async () => refused() > before + 8);
      await afterwards(proxy);
      await proxy.pass();
      const tookMs = await until(async () => (await probe(server)) === 200);
      t.comment(`ready again after ${Math.round(tookMs)} ms`);
      t.ok(tookMs < RECOVERY_MS);
      const servedBefore = served();
      await until(async () => served() > servedBefore + 50);
      await load.stop();
      t.same(bad, []);
      t.ok(slowestMs() < BOUND_MS);
    });
  }

  t.test('all connections to Postgres cut under load, again and again', async (t) => {
    const proxy = await faultProxy(t, await createTestDatabase(t), 5432);
    const server = await startInstance(t, { ...POSTGRES, DATABASE_URL: proxy.url });
    const { accessToken } = await register(server);
    const { load, bad, served } = mixedLoad(t, server, accessToken);
    for (let time = 0; time < 10; time += 1) {
      const before = served();
      await until(async () => served() > before + 20);
      proxy.cut();
    }
    await load.stop();
    t.same(bad, []);
    t.equal(server.child.exitCode, null);
    t.equal((await ask(server, ME, {}, { token: accessToken })).code, undefined);
  });
}

if (onRedis && hasRedis) {
  t.test('a Redis that goes away and comes back is missed by no request', async (t) => {
    const redis = await privateRedis(t);
    const database = onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};
    const server = await startInstance(t, { ...database, REDIS_URL: redis.url });
    const connected = async () =>
      (await (await fetch(`${server.url}/metrics`)).text()).includes('latchkey_events_connected 1');
    await until(connected);
    const { accessToken } = await register(server);
    const { load, bad, served, refused, slowestMs } = mixedLoad(t, server, accessToken);
    const go = async () => {
      const before = served();
      await until(async () => served() > before + 20);
    };
    await go();
    await redis.stop();
    await until(async () => !(await connected()));
    t.equal(await probe(server), 200, 'it is ready without');
    await go();
    await redis.start();
    const tookMs = await until(connected);
    t.comment(`events again after ${Math.round(tookMs)} ms`);
    t.ok(tookMs < RECOVERY_MS);
    await go();
    await load.stop();
    t.same(bad, []);
    t.equal(refused(), 0);
    t.ok(slowestMs() < BOUND_MS);
    t.match(server.output(), /Redis is away/);
  });

  t.test('an instance starts and serves where Redis is not there', async (t) => {
    const database = onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};
    const server = await startInstance(t, { ...database, REDIS_URL: 'redis://:hunter2hunter2@127.0.0.1:1' });
    t.equal(await probe(server), 200);
    await register(server);
    t.match(server.output(), /Redis is away/);
    t.notMatch(server.output(), 'hunter2');
    t.equal(await server.end('SIGTERM'), 0);
  });
}

t.test('SIGTERM under load breaks no request, and what was acknowledged is there', async (t) => {
  const database = onRealPostgres ? { DATABASE_URL: await createTestDatabase(t) } : {};
  const env = { ...database, DATA_DIR: t.testdir(), LOG_LEVEL: 'info', SHUTDOWN_DELAY: '2s' };
  const server = await startInstance(t, env);
  const acknowledged: string[] = [];
  const broken: unknown[] = [];
  /** As whoever sends requests sees it, who does not stop at once. */
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
  t.match(server.output(), /Closed\./);
  const next = await startInstance(t, env);
  for (const identifier of acknowledged) {
    t.equal((await ask(next, LOGIN, { input: { identifier, password: PASSWORD } })).code, undefined);
  }
});
