/** Connections that are lost while they are used; nothing here runs without TEST_DATABASE_URL. */
import { sql } from 'drizzle-orm';
import t from 'tap';
import type { Database, Executor } from '../../src/db/database.js';
import { parseDatabaseUrl } from '../../src/config/database-url.js';
import { createPool } from '../../src/db/pool.js';
import { mayHaveCommitted } from '../../src/db/errors.js';
import { openPostgres } from '../../src/db/postgres.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';

const away = { code: 'SERVICE_UNAVAILABLE' };

/** A pool of one connection, and another database to end it from. */
async function open(t: Tap, timeoutMs = 5_000) {
  const url = await createTestDatabase(t);
  const [db, other] = [openPostgres({ url, poolSize: 1, timeoutMs }), openPostgres({ url, poolSize: 1, timeoutMs })];
  t.teardown(() => Promise.all([db.close(), other.close()]));
  return { db, other };
}
interface Tap {
  teardown(work: () => unknown): void;
}
const backendOf = async (tx: Executor): Promise<number> => {
  const [row] = await tx.select({ pid: sql<number>`pg_backend_pid()` }).from(sql`(select 1) as one`);
  return row!.pid;
};
/** Until it is gone, which its client learns at about the same time. */
const end = (db: Database, pid: number) => db.executor.execute(sql`select pg_terminate_backend(${pid}, 5000)`);
const insert = (tx: Executor, key: string) => tx.execute(sql`insert into rate_limits values (${key}, 1, now())`);
const keys = async (db: Database) =>
  JSON.stringify(await db.executor.execute(sql`select key from rate_limits order by key`));

if (onRealPostgres) {
  t.test('fails a transaction with a code when its connection ends, and runs the next one', async (t) => {
    const { db, other } = await open(t);
    let tell!: () => void;
    const isTold = new Promise<void>((resolve) => (tell = resolve));
    await t.rejects(
      db.transaction(async (tx) => {
        db.afterCommit(tx, tell);
        const pid = await backendOf(tx);
        await Promise.all([tx.execute(sql`select pg_sleep(30)`), end(other, pid)]);
      }),
      away,
    );
    t.not(await backendOf(db.executor), undefined);
    // It is unknown whether the transaction committed, so the after-commit work runs.
    await isTold;
  });

  t.test('runs no statement of a transaction after its connection was lost', async (t) => {
    const { db, other } = await open(t);
    let goOn!: () => void;
    const told = new Promise<void>((resolve) => (goOn = resolve));
    let work: Promise<unknown> | undefined;
    const lost = db.transaction((tx) => {
      work = insert(tx, 'before')
        .then(async () => end(other, await backendOf(tx)))
        .then(() => told)
        .then(() => insert(tx, 'after'));
      return work;
    });
    // The pool's only slot is free again: the next transaction runs while the lost one continues.
    await t.rejects(lost, away);
    await db.transaction(async (tx) => {
      await insert(tx, 'next');
      goOn();
      await t.rejects(work!, { cause: away });
    });
    t.equal(await keys(other), '[{"key":"next"}]');
  });

  t.test('rolls back after a failed statement, even if its error was caught', async (t) => {
    const { db, other } = await open(t);
    await t.rejects(
      db.transaction(async (tx) => {
        await insert(tx, 'one');
        await tx.execute(sql`select 1 / 0`).catch(() => undefined);
      }),
      /division by zero|Failed query/,
    );
    t.equal(await keys(other), '[]');
    await t.resolves(db.transaction(async (tx) => insert(tx, 'two')));
  });

  t.test('releases the slot of a transaction at its deadline', async (t) => {
    const { db, other } = await open(t, 300);
    let goOn!: () => void;
    const never = new Promise<void>((resolve) => (goOn = resolve));
    let late: Promise<unknown> | undefined;
    await t.rejects(
      db.transaction((tx) => {
        late = insert(tx, 'one').then(() => never.then(() => insert(tx, 'two')));
        return late;
      }),
      away,
    );
    t.same(db.stats(), { inUse: 0, waiting: 0 });
    await t.resolves(db.ping());
    goOn();
    await t.rejects(late!, { cause: away });
    t.equal(await keys(other), '[]');
  });

  t.test('reuses the latest connection until it reaches its maximum age', async (t) => {
    const address = parseDatabaseUrl(await createTestDatabase(t));
    const pidOf = async (pool: ReturnType<typeof createPool>) => {
      const [row] = await pool.query('select pg_backend_pid() as pid');
      return (row as { pid: number }).pid;
    };
    const pool = createPool({ address, size: 3, timeoutMs: 5_000 });
    const [first] = await Promise.all([pidOf(pool), pidOf(pool), pidOf(pool)]);
    t.ok(first);
    t.equal(await pidOf(pool), await pidOf(pool));
    await pool.close();
    await t.rejects(pidOf(pool), away);

    const shortLived = createPool({ address, size: 3, timeoutMs: 5_000, lifetimeMs: 0 });
    t.teardown(() => shortLived.close());
    t.not(await pidOf(shortLived), await pidOf(shortLived));
  });

  t.test('marks calls that got no connection as unsent', async (t) => {
    const { db } = await open(t);
    let goOn!: () => void;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const running = db.transaction(() => held);
    const waiting = Promise.all(Array.from({ length: 50 }, () => db.ping()));
    const refused: unknown = await db.ping().catch((error: unknown) => error);
    t.match(refused, away);
    t.equal(mayHaveCommitted(refused), false);
    goOn();
    await Promise.all([running, waiting]);
  });

  t.test('fails running and waiting calls on abort and rejects new ones', async (t) => {
    const { db } = await open(t);
    const running = db.transaction(async (tx) => tx.execute(sql`select pg_sleep(30)`));
    const waiting = db.ping();
    const outcomes = Promise.allSettled([running, waiting]);
    while (db.stats().waiting === 0) await new Promise(setImmediate);
    db.abort();
    for (const outcome of await outcomes) t.match(outcome, { status: 'rejected', reason: away });
    await t.rejects(db.ping(), away);
    await db.close();
  });

  t.test('rejects statements of a finished transaction', async (t) => {
    const { db } = await open(t);
    let kept: Executor | undefined;
    await db.transaction(async (tx) => void (kept = tx));
    await t.rejects(insert(kept!, 'late'), { cause: away });
    t.equal(await keys(db), '[]');
  });

  t.test('waits for running calls on close', async (t) => {
    const url = await createTestDatabase(t);
    const db = openPostgres({ url, poolSize: 1, timeoutMs: 5_000 });
    const running = db.transaction(async (tx) => tx.execute(sql`select pg_sleep(0.2)`));
    const closed = db.close();
    await t.resolves(running);
    await closed;
  });
} else {
  t.test('the embedded database has no connections', async (t) => t.equal(onRealPostgres, false));
}
