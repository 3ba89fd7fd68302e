import { sql } from 'drizzle-orm';
import t from 'tap';
import { livenessRead } from '../../src/sessions/repository.js';
import { openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const COUNTER = sql`select count(*)::int as n from rate_limits`;
const add = (key: string) => sql`insert into rate_limits values (${key}, 1, now())`;
const count = async () => JSON.stringify(await db.executor.execute(COUNTER));

t.test('a transaction that throws leaves nothing', async (t) => {
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

t.test('a statement from outside does not slip into a transaction', async (t) => {
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

t.test('migrating again changes nothing, also many at once', async (t) => {
  const applied = async () =>
    JSON.stringify(await db.executor.execute(sql`select count(*)::int as n from drizzle.__drizzle_migrations`));
  const before = await applied();
  await Promise.all([db.migrate(), db.migrate(), db.migrate()]);
  t.equal(await applied(), before);
});

t.test('the read of sessions takes many ids, and none', async (t) => {
  const read = livenessRead(db.executor);
  t.same(await read([]), []);
  t.same(await read(['01a1fc41-72cb-70ec-8b3d-3273bdd9312e', '01a1fc41-72cb-70ec-8b3d-3273bdd9312f']), []);
});

t.test('it answers, and tells its figures', async (t) => {
  await t.resolves(db.ping());
  t.match(db.stats(), { open: Number, waiting: Number });
});
