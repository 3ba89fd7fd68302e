/** A server process that loses its connection to Postgres before, inside and at the end of a transaction; in every TLS mode. */
import postgres from 'postgres';
import t from 'tap';
import { onRealPostgres } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';
import { ask, register, someone, startInstance, until } from '../helpers/instances.js';
import { LOGIN, ME, PASSWORD, REGISTER } from '../helpers/seed.js';
import { connectionModes, hasPostgres, privatePostgres } from '../helpers/services.js';

/** Keys of the advisory locks at which a registration waits: after its insert, and in its COMMIT. */
const POINTS = { inside: 1, 'at the end of': 2 };

if (onRealPostgres && hasPostgres) {
  const service = await privatePostgres(t);
  const admin = postgres(service.url, { max: 2, onnotice: () => undefined });
  t.teardown(() => admin.end({ timeout: 1 }));
  const registered = async (username: string) =>
    (await admin`select 1 from users where username = ${username}`).length === 1;
  /** The statement that waits for an advisory lock. */
  const waiting = async () => {
    const [row] = await admin`select pid, query from pg_stat_activity
      where application_name = 'latchkey' and wait_event_type = 'Lock' and wait_event = 'advisory'`;
    return row as { pid: number; query: string } | undefined;
  };
  const isGone = async (pid: number) => (await admin`select 1 from pg_stat_activity where pid = ${pid}`).length === 0;

  for (const [how, parameters] of Object.entries(connectionModes(service))) {
    t.test(`${how}: a lost connection fails the transaction with SERVICE_UNAVAILABLE, and no other`, async (t) => {
      const proxy = await faultProxy(t, service.url, 5432);
      const server = await startInstance(t, {
        DATABASE_TIMEOUT: '60s',
        DATABASE_URL: `${proxy.url}?${parameters}`,
        SHUTDOWN_TIMEOUT: '60s',
      });
      const { accessToken: token } = await register(server);
      const serves = () => until(async () => (await ask(server, ME, {}, { token })).code === undefined);
      await admin.unsafe(`
        create or replace function wait_for_test() returns trigger language plpgsql as
          'begin perform pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint); return null; end';
        create or replace trigger wait_inside after insert on users
          for each row execute function wait_for_test(${POINTS.inside});
        drop trigger if exists wait_at_commit on users;
        create constraint trigger wait_at_commit after insert on users deferrable initially deferred
          for each row execute function wait_for_test(${POINTS['at the end of']})`);

      t.comment('before the transaction');
      proxy.stall();
      const early = someone();
      const unsent = ask(server, REGISTER, { input: early });
      await until(async () => !/_connections_in_use 0\n/.test(await (await fetch(`${server.url}/metrics`)).text()));
      proxy.cut();
      await proxy.pass();
      t.match(await unsent, { status: 503, code: 'SERVICE_UNAVAILABLE' });
      await serves();
      t.equal(await registered(early.username), false);

      for (const [where, lock] of Object.entries(POINTS)) {
        t.comment(`${where} the transaction`);
        const input = someone();
        let pid = 0;
        await admin.begin(async (tx) => {
          await tx`select pg_advisory_xact_lock(${lock})`;
          const answer = ask(server, REGISTER, { input });
          await until(async () => (await waiting()) !== undefined);
          const statement = (await waiting())!;
          pid = statement.pid;
          t.equal(/^commit$/i.test(statement.query), where === 'at the end of', statement.query);
          proxy.cut();
          t.match(await answer, { status: 503, code: 'SERVICE_UNAVAILABLE' });
        });
        await until(() => isGone(pid));
        t.equal(await registered(input.username), where === 'at the end of', 'as Postgres decided');
        await serves();
        const login = await ask(server, LOGIN, { input: { identifier: input.username, password: PASSWORD } });
        t.equal(login.code, where === 'at the end of' ? undefined : 'INVALID_CREDENTIALS');
      }
      t.equal(server.child.exitCode, null, 'the same process');
      t.equal(await server.end('SIGTERM'), 0);
    });

    t.test(`${how}: SIGTERM while a COMMIT waits ends with 0, and the client gets a coded answer`, async (t) => {
      const server = await startInstance(t, {
        DATABASE_TIMEOUT: '60s',
        DATABASE_URL: `${service.url}?${parameters}`,
        SHUTDOWN_TIMEOUT: '10s',
      });
      await admin.begin(async (tx) => {
        await tx`select pg_advisory_xact_lock(${POINTS['at the end of']})`;
        const answer = ask(server, REGISTER, { input: someone() });
        await until(async () => (await waiting()) !== undefined);
        t.equal(await server.end('SIGTERM'), 0);
        t.match(await answer, { status: 503, code: 'SERVICE_UNAVAILABLE' });
      });
    });
  }
} else {
  t.test('the embedded database has no connections to lose', async (t) =>
    t.equal(onRealPostgres && hasPostgres, false),
  );
}
