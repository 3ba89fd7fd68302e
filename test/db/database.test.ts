import { sql } from 'drizzle-orm';
import t from 'tap';
import { sqlStateOf } from '../../src/db/errors.js';
import { readLiveSessions } from '../../src/sessions/repository.js';
import { onRealPostgres, openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const COUNTER = sql`select count(*)::int as n from rate_limits`;
const add = (key: string) => sql`insert into rate_limits values (${key}, 1, now())`;
const count = async () => JSON.stringify(await db.executor.execute(COUNTER));

t.test('rolls back a transaction that throws', async (t) => {
  const before = await count();
  await t.rejects(
    db.transaction(async (tx) => {
      await tx.execute(add('rolled back'));
      throw new Error('no');
    }),
    /no/,
  );
  t.equal(await count(), before);
});

t.test('keeps outside statements out of a transaction', async (t) => {
  const before = await count();
  let outside: Promise<unknown> | undefined;
  await t.rejects(
    db.transaction(async (tx) => {
      await tx.execute(add('inside'));
      outside = Promise.resolve(db.executor.execute(add('outside')));
      await tx.execute(sql`select 1`);
      throw new Error('no');
    }),
  );
  await outside;
  t.not(await count(), before, 'the one from outside stays');
  t.match(JSON.stringify(await db.executor.execute(sql`select key from rate_limits`)), /outside/);
  t.notMatch(JSON.stringify(await db.executor.execute(sql`select key from rate_limits`)), /inside/);
});

t.test('migrates idempotently and concurrently', async (t) => {
  const applied = async () =>
    JSON.stringify(await db.executor.execute(sql`select count(*)::int as n from drizzle.__drizzle_migrations`));
  const before = await applied();
  await Promise.all([db.migrate(), db.migrate(), db.migrate()]);
  t.equal(await applied(), before);
});

t.test('reads sessions for many ids and for none', async (t) => {
  const read = readLiveSessions(db.executor);
  t.same(await read([]), []);
  t.same(await read(['01a1fc41-72cb-70ec-8b3d-3273bdd9312e', '01a1fc41-72cb-70ec-8b3d-3273bdd9312f']), []);
});

t.test('responds to ping and reports statistics', async (t) => {
  await t.resolves(db.ping());
  t.match(db.stats(), { inUse: Number, waiting: Number });
});

if (onRealPostgres) {
  t.test('reports the failed statement, not those aborted by it', async (t) => {
    const later = async (outcome: PromiseLike<unknown>) => {
      const settled = Promise.allSettled([outcome]);
      for (let turn = 0; turn < 20; turn += 1) await settled;
      return outcome;
    };
    const together = (divisor: number) =>
      db.transaction(async (tx) => {
        const first = later(tx.execute(sql`select 1 / ${divisor}::int`));
        const second = tx.execute(sql`select ${divisor}::int`);
        // Both answers have come by the time that either is read.
        for (let turn = 0; turn < 4; turn += 1) {
          setTimeout(() => {
            for (const begun = performance.now(); performance.now() - begun < 20;);
          }, turn);
        }
        await Promise.all([first, second]);
      });
    // Prepared, they are not waited for one by one.
    await together(1);
    t.equal(await together(0).then(() => undefined, sqlStateOf), '22012');
  });
}
