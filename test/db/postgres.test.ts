/** Behaviour on a Postgres server. Needs TEST_DATABASE_URL. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import { openPostgres } from '../../src/db/postgres.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { faultProxy } from '../helpers/fault-proxy.js';

const away = { code: 'SERVICE_UNAVAILABLE' };

if (onRealPostgres) {
  const open = (url: string, { poolSize = 2, timeoutMs = 1000 } = {}) => {
    const database = openPostgres({ url, poolSize, timeoutMs });
    t.teardown(() => database.close());
    return database;
  };

  t.test('prepares statements inside and outside transactions', async (t) => {
    const db = open(await createTestDatabase(t), { poolSize: 1 });
    await db.executor.execute(sql`select ${'outside'}::text`);
    await db.transaction(async (tx) => tx.execute(sql`select ${'inside'}::text, 1`));
    const prepared = JSON.stringify(await db.executor.execute(sql`select statement from pg_prepared_statements`));
    t.match(prepared, /select \$1::text"/);
    t.match(prepared, /select \$1::text, 1"/);
  });

  t.test('cancels a query at its deadline and reuses the connection', async (t) => {
    const db = open(await createTestDatabase(t), { poolSize: 1 });
    await t.rejects(Promise.resolve(db.executor.execute(sql`select pg_sleep(30)`)), { cause: away });
    await t.resolves(db.ping());
  });

  t.test('commits nothing after the deadline of a transaction', async (t) => {
    const db = open(await createTestDatabase(t), { poolSize: 1 });
    let release!: () => void;
    const late = new Promise<void>((resolve) => (release = resolve));
    await t.rejects(
      db.transaction(async (tx) => {
        await tx.execute(sql`insert into rate_limits values ('late', 1, now())`);
        await late;
      }),
      away,
    );
    release();
    t.match(JSON.stringify(await db.executor.execute(sql`select count(*)::int as n from rate_limits`)), /"n":0/);
  });

  t.test('fails calls on a half-open connection within the deadline', async (t) => {
    const proxy = await faultProxy(t, await createTestDatabase(t), 5432);
    const db = open(proxy.url, { poolSize: 1 });
    await db.ping();
    proxy.stall();
    await t.rejects(db.ping(), away);
    await t.rejects(
      db.transaction(async () => 1),
      away,
    );
  });

  t.test('rejects callers that wait too long, and immediately if too many wait', async (t) => {
    const db = open(await createTestDatabase(t), { poolSize: 1, timeoutMs: 3000 });
    await db.ping();
    const holder = db.transaction(async (tx) => tx.execute(sql`select pg_sleep(0.25)`));
    const waiters = await Promise.allSettled(
      Array.from({ length: 120 }, () => db.transaction(async (tx) => tx.execute(sql`select pg_sleep(0.1)`))),
    );
    t.ok(waiters.some((waiter) => waiter.status === 'rejected' && /overloaded/.test(String(waiter.reason))));
    for (const waiter of waiters) if (waiter.status === 'rejected') t.match(waiter.reason, away);
    await t.resolves(holder);
    await t.resolves(db.ping());
    t.same(db.stats(), { inUse: 0, waiting: 0 });
  });

  t.test('answers SERVICE_UNAVAILABLE if Postgres is unreachable', async (t) => {
    const db = open('postgres://nobody@127.0.0.1:1/nothing');
    await t.rejects(db.ping(), away);
    await t.rejects(
      db.transaction(async () => 1),
      away,
    );
    await t.rejects(db.migrate(), away);
  });

  t.test('retries a deadlocked transaction', async (t) => {
    const db = open(await createTestDatabase(t), { timeoutMs: 10_000 });
    const lock = (tx: typeof db.executor, key: number) => tx.execute(sql`select pg_advisory_xact_lock(${key}::int)`);
    let arrived = 0;
    let both!: () => void;
    const met = new Promise<void>((resolve) => (both = resolve));
    const crossing = (first: number, second: number) =>
      db.transaction(async (tx) => {
        await lock(tx, first);
        if (++arrived === 2) both();
        await met;
        await lock(tx, second);
        return first;
      });
    t.same(await Promise.all([crossing(1, 2), crossing(2, 1)]), [1, 2]);
  });

  t.test('replaces connections that the server closed', async (t) => {
    const db = open(await createTestDatabase(t), { poolSize: 2 });
    await db.ping();
    await Promise.resolve(
      db.executor.execute(
        sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()`,
      ),
    ).catch(() => undefined);
    await db.ping().catch(() => undefined);
    await t.resolves(db.ping());
  });

  t.test('reconnects after an outage without a restart', async (t) => {
    const proxy = await faultProxy(t, await createTestDatabase(t), 5432);
    const db = open(proxy.url, { poolSize: 2, timeoutMs: 2_000 });
    const ask = () =>
      db.ping().then(
        () => true,
        () => false,
      );
    t.ok(await ask());
    await proxy.refuse();
    // More than there are connections, so that some find one that is just being opened.
    const away = await Promise.all(Array.from({ length: 8 }, ask));
    t.notOk(away.includes(true));
    await proxy.pass();
    let attempts = 0;
    // Attempts to connect have pauses. Queries during a pause fail at once.
    while (!(await ask()) && (attempts += 1) < 1000) await new Promise((resolve) => setTimeout(resolve, 10));
    t.ok(await ask());
    t.same(db.stats(), { inUse: 0, waiting: 0 });
  });

  t.test('applies each migration once when instances migrate concurrently', async (t) => {
    const url = await createTestDatabase(t, { empty: true });
    const instances = Array.from({ length: 5 }, () => open(url, { timeoutMs: 10_000 }));
    await Promise.all(instances.map((instance) => instance.migrate()));
    const applied = await instances[0]?.executor.execute(sql`select hash from drizzle.__drizzle_migrations`);
    const hashes = JSON.stringify(applied).match(/"hash":"\w+"/g) ?? [];
    t.equal(new Set(hashes).size, hashes.length);
    t.ok(hashes.length > 0);
  });
} else {
  t.test('the embedded database has one connection, which needs no deadline', async (t) =>
    t.equal(onRealPostgres, false),
  );
}
