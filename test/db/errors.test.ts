import { sql } from 'drizzle-orm';
import t from 'tap';
import { constraintOf, outage } from '../../src/db/errors.js';
import { users } from '../../src/db/schema/index.js';
import { openTestDatabase } from '../helpers/database.js';

const db = await openTestDatabase(t);
const now = new Date();
const account = (id: string) => ({
  id,
  email: 'a',
  emailKey: 'a',
  username: id,
  usernameKey: id,
  passwordHash: 'x',
  createdAt: now,
  updatedAt: now,
});

t.test('finds the violated constraint in the chain of causes', async (t) => {
  await db.executor.insert(users).values(account('01a1fc41-72cb-70ec-8b3d-3273bdd9312e'));
  const error: unknown = await db.executor
    .insert(users)
    .values(account('01a1fc41-72cb-70ec-8b3d-3273bdd9312f'))
    .catch((thrown: unknown) => thrown);
  t.equal(constraintOf(error), 'users_email_key_unique');
  t.equal(outage(error), undefined, 'which is no outage');
});

t.test('does not classify other errors', async (t) => {
  const cyclic: { cause?: unknown } = new Error('cyclic');
  cyclic.cause = cyclic;
  const fault: unknown = await db.executor.execute(sql`select * from nowhere`).catch((thrown: unknown) => thrown);
  for (const error of [undefined, null, 'text', new Error('x'), cyclic, fault]) {
    t.equal(constraintOf(error), undefined);
    t.equal(outage(error), undefined);
  }
});

t.test('classifies transient errors as SERVICE_UNAVAILABLE', async (t) => {
  for (const code of [
    '08006',
    '57P01',
    '57014',
    '53300',
    '40001',
    '40P01',
    '25P03',
    'CONNECTION_CLOSED',
    'CONNECT_TIMEOUT',
    'ECONNREFUSED',
    'ECONNRESET',
  ]) {
    t.match(
      outage(new Error('query', { cause: Object.assign(new Error('driver'), { code }) })),
      { code: 'SERVICE_UNAVAILABLE', details: { retryAfter: 1 } },
      code,
    );
  }
  for (const code of ['23505', '22021', '42P01', 'ERR_ASSERTION'])
    t.equal(outage(Object.assign(new Error('driver'), { code })), undefined, code);
});

t.test('classifies a closed database as SERVICE_UNAVAILABLE', async (t) => {
  const closed = await openTestDatabase(t);
  await closed.close();
  const error: unknown = await closed.executor.execute(sql`select 1`).catch((thrown: unknown) => thrown);
  t.match(outage(error), { code: 'SERVICE_UNAVAILABLE' });
  await t.rejects(closed.ping(), { code: 'SERVICE_UNAVAILABLE' });
  await t.rejects(
    closed.transaction(async () => 1),
    { code: 'SERVICE_UNAVAILABLE' },
  );
});
