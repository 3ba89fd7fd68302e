import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import type { AnyData, TestClient } from '../helpers/client.js';
import { LOGIN, registerAdmin, type SeededUser } from '../helpers/seed.js';
import { sentBy, type SentStatement } from '../helpers/statements.js';

const app = await startTestApp(t, { RATE_LIMIT_FIELDS: 'login=10000/1m,register=10000/1m' });
const SESSIONS = 'query ($first: Int, $after: ID) { me { sessions(first: $first, after: $after) { id current } } }';

/** A user with so many sessions, opened a second apart. */
async function userWith(sessions: number): Promise<SeededUser> {
  const user = await app.user();
  for (let i = 1; i < sessions; i += 1) {
    app.clock.advance(1000);
    const { data } = await app.client().send(LOGIN, { input: { identifier: user.username, password: user.password } });
    if (!data) throw new Error('The login was refused');
  }
  return user;
}

async function page(client: TestClient, variables: object): Promise<string[]> {
  const { data } = await client.send(SESSIONS, variables);
  return (data!['me'].sessions as AnyData[]).map(({ id }) => id as string);
}

/** How many of the statements list sessions. */
const listings = (statements: readonly SentStatement[]) =>
  statements.filter(({ text }) => text.includes('row_number')).length;

t.test('pages through sessions by last use without gaps or duplicates', async (t) => {
  const { client } = await userWith(5);
  const all = await page(client, {});
  t.equal(all.length, 5);
  const pages: string[][] = [];
  let after: string | undefined;
  for (;;) {
    const next: string[] = await page(client, { first: 2, after });
    pages.push(next);
    after = next.at(-1);
    if (after === undefined) break;
  }
  t.same(
    pages.map(({ length }) => length),
    [2, 2, 1, 0],
  );
  t.same(pages.flat(), all);
});

t.test('continues after a cursor whose session has ended', async (t) => {
  const { client } = await userWith(4);
  const [, second, third, last] = await page(client, {});
  await client.send('mutation ($id: ID!) { revokeSession(id: $id) }', { id: second });
  t.same(await page(client, { after: second }), [third, last]);
});

t.test('rejects an invalid page size and an invalid cursor', async (t) => {
  const user = await userWith(1);
  const [foreign] = await page((await app.user()).client, {});
  const unknown = '01890a5d-ac96-774b-bcce-b302099a8057';
  for (const [variables, field] of [
    [{ first: 0 }, 'first'],
    [{ first: 101 }, 'first'],
    [{ first: -1 }, 'first'],
    [{ after: 'x' }, 'after'],
    [{ after: unknown }, 'after'],
    [{ after: foreign }, 'after'],
  ] as const) {
    const { errors } = await user.client.send(SESSIONS, variables);
    t.match(errors[0]?.extensions, { code: 'VALIDATION_ERROR', details: [{ field }] }, JSON.stringify(variables));
  }
  t.equal((await page(user.client, { first: null, after: null })).length, 1);
});

t.test('reads the sessions of a list of accounts in one statement', async (t) => {
  const admin = await registerAdmin(app);
  const [one, other] = [await userWith(3), await userWith(1)];
  const query = '{ users(first: 50) { edges { node { id sessions(first: 2) { id } } } } }';
  let data: AnyData | null | undefined;
  const statements = await sentBy(app.db, async () => ({ data } = await admin.client.send(query)));
  t.equal(listings(statements), 1);
  const nodes = (data!['users'].edges as AnyData[]).map(({ node }) => node as AnyData);
  const sessionsOf = ({ id }: SeededUser) => nodes.find((node) => node['id'] === id)!['sessions'].length as number;
  t.equal(sessionsOf(one), 2);
  t.equal(sessionsOf(other), 1);
});

t.test('batches pages of the same size across aliases', async (t) => {
  const { client } = await userWith(3);
  const query = '{ me { a: sessions(first: 1) { id } b: sessions(first: 1) { id } c: sessions { id } } }';
  let data: AnyData | null | undefined;
  const statements = await sentBy(app.db, async () => ({ data } = await client.send(query)));
  t.equal(listings(statements), 2);
  t.same([data!['me'].a.length, data!['me'].b.length, data!['me'].c.length], [1, 1, 3]);
});

t.test('rejects a document that could read too many rows before reading', async (t) => {
  const admin = await registerAdmin(app);
  const users = 'users(first: 100) { edges { node { sessions { id } } } }';
  t.equal((await admin.client.send(`{ ${users} }`)).code, undefined);
  const statements = await sentBy(app.db, async () => {
    const { code, status } = await admin.client.send(`{ a: ${users} b: ${users} }`);
    t.equal(code, 'QUERY_REJECTED');
    t.equal(status, 400);
  });
  t.same(statements, []);
});

t.test('counts a document that can read many rows as several requests, also from the cache', async (t) => {
  const limited = await startTestApp(t, { RATE_LIMIT_AUTHENTICATED: '120/1h' }, app.db);
  const admin = await registerAdmin(limited);
  const large = '{ users(first: 100) { edges { node { sessions { id } } } } }';
  for (let i = 0; i < 2; i += 1) t.equal((await admin.client.send(large)).status, 200);
  const statements = await sentBy(app.db, async () => {
    t.equal((await admin.client.send(large)).status, 429);
  });
  t.same(listings(statements), 0);
});
