/** A server process whose Postgres restarts or stops responding while clients send requests; with and without TLS. */
import t from 'tap';
import { onRealPostgres } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { probe, register, startInstance, until } from '../helpers/instances.js';
import { mixedLoad } from '../helpers/load.js';
import { connectionModes, hasPostgres, privatePostgres } from '../helpers/services.js';

/** An upper bound for slow machines. The deadline of the statements is much shorter. */
const BOUND_MS = 30_000;

if (onRealPostgres && hasPostgres) {
  const service = await privatePostgres(t);

  for (const [how, parameters] of Object.entries(connectionModes(service))) {
    t.test(`${how}: serves again after Postgres restarted under load, and ends with 0`, async (t) => {
      const server = await startInstance(t, {
        DATABASE_TIMEOUT: '2s',
        DATABASE_URL: `${service.url}?${parameters}`,
        SHUTDOWN_TIMEOUT: '30s',
      });
      const { accessToken } = await register(server);
      const load = mixedLoad(t, server, accessToken);
      await load.untilServed(50);
      for (let time = 0; time < 2; time += 1) {
        await service.stop();
        await until(async () => (await probe(server)) === 503);
        t.equal(await probe(server, '/healthz'), 200);
        await load.untilRefused(20);
        await service.start();
        const tookMs = await until(async () => (await probe(server)) === 200);
        t.comment(`ready again after ${Math.round(tookMs)} ms`);
        await load.untilServed(50);
      }
      await load.stop();
      t.same(load.bad, [], 'nothing but SERVICE_UNAVAILABLE in between');
      t.ok(load.slowestMs() < BOUND_MS, `the slowest answer took ${Math.round(load.slowestMs())} ms`);
      t.equal(server.child.exitCode, null, 'the same process');
      t.equal(await server.end('SIGTERM'), 0);
    });

    t.test(`${how}: ends with 0 while Postgres is down`, async (t) => {
      const server = await startInstance(t, { DATABASE_URL: `${service.url}?${parameters}`, SHUTDOWN_TIMEOUT: '30s' });
      const { accessToken } = await register(server);
      const load = mixedLoad(t, server, accessToken);
      await load.untilServed(20);
      await service.stop();
      t.teardown(() => service.start());
      await load.untilRefused(20);
      await load.stop();
      t.same(load.bad, []);
      t.equal(await server.end('SIGTERM'), 0);
    });

    for (const afterwards of ['go on', 'are cut'] as const) {
      t.test(`${how}: serves again after half-open connections that ${afterwards}`, async (t) => {
        const proxy = await faultProxy(t, service.url, 5432);
        const server = await startInstance(t, {
          DATABASE_TIMEOUT: '1s',
          DATABASE_URL: `${proxy.url}?${parameters}`,
          SHUTDOWN_TIMEOUT: '30s',
        });
        const { accessToken } = await register(server);
        const load = mixedLoad(t, server, accessToken);
        await load.untilServed(50);
        proxy.stall();
        await until(async () => (await probe(server)) === 503);
        await load.untilRefused(8);
        if (afterwards === 'are cut') proxy.cut();
        await proxy.pass();
        const tookMs = await until(async () => (await probe(server)) === 200);
        t.comment(`ready again after ${Math.round(tookMs)} ms`);
        await load.untilServed(50);
        await load.stop();
        t.same(load.bad, []);
        t.ok(load.slowestMs() < BOUND_MS, `the slowest answer took ${Math.round(load.slowestMs())} ms`);
        t.equal(await server.end('SIGTERM'), 0);
      });
    }
  }
} else {
  t.test('the embedded database has no server that restarts', async (t) =>
    t.equal(onRealPostgres && hasPostgres, false),
  );
}
