/** Statements that are built once: on the database and in transactions, with values that are given each time. */
import { eq, sql } from 'drizzle-orm';
import t from 'tap';
import { sessions, signingKeys, users } from '../../src/db/schema/index.js';
import { param, rowParams, statement } from '../../src/db/statement.js';
import { openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const moment = new Date('2026-03-04T05:06:07.089Z');
const key = (kid: string, retiredAt: Date | null) => ({
  kid,
  purpose: 'access' as const,
  algorithm: 'EdDSA' as const,
  publicJwk: { kty: 'OKP', nested: [1] },
  encryptedPrivateKey: 'sealed',
  createdAt: moment,
  retiredAt,
  expiresAt: null,
  longestTokenMs: 900_000,
});

let built = 0;
const insert = statement(undefined, (executor) => executor.insert(signingKeys).values(rowParams(signingKeys)));
const shape = {
  kid: signingKeys.kid,
  times: { created: signingKeys.createdAt, retired: signingKeys.retiredAt },
  jwk: signingKeys.publicJwk,
  length: sql<number>`length(${signingKeys.kid})`,
};
const read = statement(shape, (executor) => {
  built += 1;
  return executor
    .select(shape)
    .from(signingKeys)
    .where(eq(signingKeys.kid, param(signingKeys.kid, 'kid')));
});

t.test('encodes and decodes all column types, including null', async (t) => {
  await insert(db.executor, key('first', null));
  await insert(db.executor, key('second', moment));
  t.same(await read(db.executor, { kid: 'first' }), [
    { kid: 'first', times: { created: moment, retired: null }, jwk: { kty: 'OKP', nested: [1] }, length: 5 },
  ]);
  t.same((await read(db.executor, { kid: 'second' }))[0]?.times.retired, moment);
  t.same(await read(db.executor, { kid: 'third' }), []);
});

t.test('builds a statement once and runs it in the given transaction', async (t) => {
  const before = built;
  await t.rejects(
    db.transaction(async (tx) => {
      await insert(tx, key('undone', null));
      t.equal((await read(tx, { kid: 'undone' })).length, 1, 'seen inside');
      throw new Error('undo');
    }),
    { message: 'undo' },
  );
  t.equal((await read(db.executor, { kid: 'undone' })).length, 0, 'rolled back with it');
  await Promise.all(['first', 'second', 'third'].map((kid) => read(db.executor, { kid })));
  t.equal(built, before);
});

t.test('rejects a missing parameter', async (t) => {
  await t.rejects(read(db.executor, {}), /kid/);
});

t.test('distinguishes columns of the same name in two tables', async (t) => {
  const both = { session: { id: sessions.id }, account: { id: users.id } };
  const joined = statement(both, (executor) =>
    executor
      .select(both)
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(eq(sessions.id, param(sessions.id, 'id'))),
  );
  const [account, session] = ['01a1fc41-72cb-70ec-8b3d-3273bdd9312e', '01a1fc41-72cb-70ec-8b3d-3273bdd9312f'];
  await db.executor
    .execute(sql`insert into users (id, email, email_key, username, username_key, password_hash, created_at,
    updated_at) values (${account}, 'a@b.test', 'a@b.test', 'a', 'a', 'x', now(), now())`);
  await db.executor.execute(sql`insert into sessions (id, user_id, rotated_at, created_at, last_used_at, expires_at)
    values (${session}, ${account}, now(), now(), now(), now())`);
  t.same(await joined(db.executor, { id: session }), [{ session: { id: session }, account: { id: account } }]);
});
