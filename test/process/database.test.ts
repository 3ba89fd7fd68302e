/** A server process and its Postgres, with and without TLS: faults of both and of the network, and a shutdown during a fault. */
import postgres from 'postgres';
import t from 'tap';
import { onRealPostgres } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { ask, probe, register, startInstance, until } from '../helpers/instances.js';
import { refusal } from '../helpers/process.js';
import { ME } from '../helpers/seed.js';
import { connectionModes, hasPostgres, privatePostgres } from '../helpers/services.js';

const TIMEOUTS = { DATABASE_TIMEOUT: '5s', SHUTDOWN_TIMEOUT: '15s' };
/** An upper bound for slow machines. */
const RECOVERY_MS = 15_000;

if (onRealPostgres && hasPostgres) {
  const service = await privatePostgres(t);
  // Set for this session only, so that it can revert the setting of the server.
  const connection = { default_transaction_read_only: 'off' };
  const admin = postgres(service.url, { max: 2, onnotice: () => undefined, connection } as object);
  t.teardown(() => admin.end({ timeout: 1 }));

  const readOnly = async (value: 'on' | 'off') => {
    await admin.unsafe(`alter system set default_transaction_read_only = ${value}`);
    await admin`select pg_reload_conf()`;
  };

  for (const [how, parameters] of Object.entries(connectionModes(service))) {
    const start = async (t: Parameters<typeof startInstance>[0], env: Record<string, string> = {}) => {
      const proxy = await faultProxy(t, service.url, 5432);
      const server = await startInstance(t, { ...TIMEOUTS, DATABASE_URL: `${proxy.url}?${parameters}`, ...env });
      const { accessToken } = await register(server);
      const code = async () => (await ask(server, ME, {}, { token: accessToken })).code;
      return { proxy, server, code };
    };
    t.test(`${how}: outlives faults of the database and ends with 0`, async (t) => {
      const { proxy, server, code } = await start(t);
      const encrypted = await admin`select ssl from pg_stat_ssl join pg_stat_activity using (pid)
        where application_name = 'latchkey'`;
      t.ok(encrypted.length > 0);
      t.ok(encrypted.every(({ ssl }) => ssl === !parameters.includes('disable')));

      t.comment('a statement past its deadline');
      await admin.begin(async (tx) => {
        await tx`lock table users in access exclusive mode`;
        t.equal(await code(), 'SERVICE_UNAVAILABLE');
      });
      await until(async () => (await code()) === undefined);

      t.comment('pg_terminate_backend of every connection');
      for (let time = 0; time < 5; time += 1) {
        const loads = Promise.all(Array.from({ length: 20 }, code));
        await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'latchkey'`;
        for (const each of await loads) t.ok(each === undefined || each === 'SERVICE_UNAVAILABLE', String(each));
      }
      await until(async () => (await code()) === undefined);

      t.comment('a server that accepts no writes');
      await readOnly('on');
      await until(async () => (await probe(server)) === 503);
      const refused = await register(server).catch((error: Error) => error.message);
      t.equal(refused, 'Refused: SERVICE_UNAVAILABLE');
      t.equal(await code(), 'SERVICE_UNAVAILABLE');
      await readOnly('off');
      t.ok((await until(async () => (await probe(server)) === 200)) < RECOVERY_MS);
      await until(async () => (await code()) === undefined);

      t.comment('a server that hangs up at once');
      proxy.hangUp();
      await until(async () => (await probe(server)) === 503);
      const before = proxy.connections();
      const startedAt = performance.now();
      while (performance.now() - startedAt < 2_000) {
        t.equal(await code(), 'SERVICE_UNAVAILABLE');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      // The pool and the LISTEN connection may connect this often in about 200 requests.
      t.ok(proxy.connections() - before < 25, `${proxy.connections() - before} dials`);
      await proxy.pass();
      t.ok((await until(async () => (await probe(server)) === 200)) < RECOVERY_MS);
      proxy.hangUp();
      await until(async () => (await probe(server)) === 503);

      t.equal(server.child.exitCode, null, 'the same process');
      t.equal(await server.end('SIGTERM'), 0);
    });

    t.test(`${how}: SIGTERM ends it with 0 while the server accepts no writes`, async (t) => {
      const { server } = await start(t);
      t.teardown(() => readOnly('off'));
      await readOnly('on');
      await until(async () => (await probe(server)) === 503);
      t.equal(await server.end('SIGTERM'), 0);
    });

    t.test(`${how}: a start against a server that hangs up at once ends with one line`, async (t) => {
      const proxy = await faultProxy(t, service.url, 5432);
      proxy.hangUp();
      const { output, status } = await refusal(t, {
        DATA_DIR: t.testdir(),
        DATABASE_URL: `${proxy.url.replace('postgres@', 'postgres:hunter2hunter2@')}?${parameters}`,
      });
      t.equal(status, 1);
      t.match(output, /^Latchkey cannot start with .*closed the connection.*DATABASE_URL.*\n$/);
      t.notMatch(output, 'hunter2');
      t.ok(proxy.connections() < 5);
    });

    t.test(`${how}: SIGTERM ends it with 0 on half-open connections, with requests that wait for them`, async (t) => {
      const { proxy, server, code } = await start(t, { DATABASE_TIMEOUT: '30s', SHUTDOWN_TIMEOUT: '10s' });
      await Promise.all(Array.from({ length: 10 }, code));
      proxy.stall();
      const waiting = Array.from({ length: 30 }, () => code().catch(() => 'SERVICE_UNAVAILABLE'));
      await until(async () =>
        /latchkey_database_connections_in_use [1-9]/.test(await (await fetch(`${server.url}/metrics`)).text()),
      );
      t.equal(await server.end('SIGTERM'), 0);
      for (const each of await Promise.all(waiting)) t.equal(each, 'SERVICE_UNAVAILABLE');
    });
  }
} else {
  t.test('the embedded database has no network', async (t) => t.equal(onRealPostgres && hasPostgres, false));
}
