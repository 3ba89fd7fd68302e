import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { createHash } from 'node:crypto';
import t from 'tap';
import { createPersistedQueries } from '../../../src/graphql/documents/persisted-queries.js';
import { startGraphqlServer, type GraphqlServerOptions } from '../../helpers/graphql-server.js';
import { listen } from '../../helpers/server.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const persisted = (text: string, sha256Hash = sha256(text)) => ({ persistedQuery: { version: 1, sha256Hash } });
const QUERY = '{ login }';
const NOT_FOUND = {
  errors: [{ message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }],
};
const NOT_SUPPORTED = {
  errors: [{ message: 'PersistedQueryNotSupported', extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }],
};
const IN = { data: { login: 'in' } };

t.test('answers a hash with PERSISTED_QUERY_NOT_FOUND until its query was sent', async (t) => {
  const { post, get } = await startGraphqlServer(t);
  const extensions = persisted(QUERY);
  const unknown = await post({ extensions });
  t.equal(unknown.statusCode, 404);
  t.same(unknown.json(), NOT_FOUND);
  t.equal((await post({ extensions }, { accept: 'application/json' })).statusCode, 200);
  t.same((await get({ extensions: JSON.stringify(extensions) })).json(), NOT_FOUND);
  t.same((await post({ query: QUERY, extensions })).json(), IN);
  t.same((await post({ extensions })).json(), IN);
  t.same((await post({ extensions, query: null })).json(), IN);
  t.same((await post({ extensions, query: '' })).json(), IN);
  t.same((await post({ extensions: persisted(QUERY, sha256(QUERY).toUpperCase()) })).json(), IN);
  t.same((await get({ extensions: JSON.stringify(extensions) })).json(), IN);
});

t.test('accepts variables and an operation name with a hash', async (t) => {
  const { post } = await startGraphqlServer(t);
  const query = 'query A { login } query B($t: String) { echo(text: $t) }';
  const rest = { extensions: persisted(query), operationName: 'B', variables: { t: 'x' } };
  await post({ query, ...rest });
  t.same((await post(rest)).json(), { data: { echo: 'x' } });
});

t.test('stores queries sent by GET, and neither stores nor executes mutations', async (t) => {
  const { post, get } = await startGraphqlServer(t);
  t.same((await get({ query: QUERY, extensions: JSON.stringify(persisted(QUERY)) })).json(), IN);
  t.same((await post({ extensions: persisted(QUERY) })).json(), IN);
  const mutation = 'mutation { logout }';
  const params = { extensions: JSON.stringify(persisted(mutation)) };
  t.equal((await get({ query: mutation, ...params })).statusCode, 405);
  t.same((await post({ extensions: persisted(mutation) })).json(), NOT_FOUND);
  await post({ query: mutation, extensions: persisted(mutation) });
  t.equal((await get(params)).statusCode, 405);
});

t.test('refuses a wrong or malformed hash, and stores nothing', async (t) => {
  const { post } = await startGraphqlServer(t);
  const wrong = await post({ query: QUERY, extensions: persisted('{ other }') });
  t.equal(wrong.statusCode, 400);
  t.match(wrong.json(), { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] });
  for (const persistedQuery of [
    { version: 2, sha256Hash: sha256(QUERY) },
    { sha256Hash: sha256(QUERY) },
    { version: 1, sha256Hash: 'abc' },
    { version: 1, sha256Hash: [sha256(QUERY)] },
    { version: 1 },
    'text',
    [],
  ]) {
    const response = await post({ query: QUERY, extensions: { persistedQuery } });
    t.match(response.json(), { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] }, JSON.stringify(persistedQuery));
  }
  t.same((await post({ extensions: persisted(QUERY) })).json(), NOT_FOUND);
  t.same((await post({ query: QUERY, extensions: { persistedQuery: null } })).json(), IN);
});

t.test('never stores a refused document', async (t) => {
  const { post } = await startGraphqlServer(t);
  for (const query of ['{ unknown }', '{', `{ ${'login '.repeat(21)} }`, 'subscription { ticks }', 'x'.repeat(9000)]) {
    t.equal((await post({ query, extensions: persisted(query) })).statusCode, 400);
    t.same((await post({ extensions: persisted(query) })).json(), NOT_FOUND);
  }
});

t.test('answers PERSISTED_QUERY_NOT_SUPPORTED when persisted queries are disabled', async (t) => {
  const { post } = await startGraphqlServer(t, { env: { PERSISTED_QUERIES: 'false' } });
  const response = await post({ extensions: persisted(QUERY) });
  t.equal(response.statusCode, 400);
  t.same(response.json(), NOT_SUPPORTED);
  t.same((await post({ query: QUERY, extensions: persisted(QUERY) })).json(), IN, 'the query itself is executed');
  t.same((await post({ extensions: persisted(QUERY) })).json(), NOT_SUPPORTED);
});

t.test('bounds the store in entries and bytes', async (t) => {
  const queries = createPersistedQueries(8, true);
  const text = (i: number) => `{ a${i} }`;
  const has = (i: number) => {
    try {
      return queries.resolve({ hash: sha256(text(i)) }) === text(i);
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 9; i += 1) queries.store({ query: text(i), hash: sha256(text(i)) }, `network ${i}`);
  t.same([has(0), has(1), has(8)], [false, true, true]);
  const large = 'x'.repeat(20_000);
  queries.store({ query: large, hash: sha256(large) }, 'network');
  t.throws(() => queries.resolve({ hash: sha256(large) }), { code: 'PERSISTED_QUERY_NOT_FOUND' });
});

t.test('evicts only the queries of a network that stores too many', async (t) => {
  const queries = createPersistedQueries(80, true);
  const store = (text: string, network: string) => queries.store({ query: text, hash: sha256(text) }, network);
  const has = (text: string) => {
    try {
      return queries.resolve({ hash: sha256(text) }) === text;
    } catch {
      return false;
    }
  };
  store('honest', '203.0.113.1');
  for (let i = 0; i < 1000; i += 1) store(`flood ${i}`, '203.0.113.66');
  t.ok(has('honest'));
  t.equal(Array.from({ length: 1000 }, (_, i) => has(`flood ${i}`)).filter(Boolean).length, 10, 'an eighth');
  store('honest', '203.0.113.66');
  t.ok(has('honest'), 'a query that is stored already keeps its place');
});

/** The real client, counting requests and those that carried the text. */
async function apollo(t: Parameters<typeof startGraphqlServer>[0], options: GraphqlServerOptions, useGET = false) {
  const { app } = await startGraphqlServer(t, options);
  const port = await listen(app);
  const sent: { method: string; hasQuery: boolean }[] = [];
  const link = new HttpLink({
    uri: `http://127.0.0.1:${port}/graphql`,
    fetch: async (input, init) => {
      const query =
        init?.body == null
          ? new URL(input instanceof Request ? input.url : input).searchParams.get('query')
          : init.body;
      sent.push({ method: init?.method ?? 'GET', hasQuery: query !== null && /login/.test(query as string) });
      return fetch(input, init);
    },
  });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([new PersistedQueryLink({ sha256, useGETForHashedQueries: useGET }), link]),
  });
  const ask = async () =>
    (await client.query({ query: gql('query Login { login }'), fetchPolicy: 'network-only' })).data;
  return { ask, sent };
}

t.test('serves Apollo Client, which sends the text once and then the hash', async (t) => {
  for (const useGET of [false, true]) {
    const { ask, sent } = await apollo(t, {}, useGET);
    for (let i = 0; i < 3; i += 1) t.match(await ask(), { login: 'in' });
    t.same(
      sent.map(({ hasQuery }) => hasQuery),
      [false, true, false, false],
    );
    t.equal(sent.at(-1)?.method, useGET ? 'GET' : 'POST');
  }
});

t.test('serves Apollo Client without persisted queries, which falls back to texts', async (t) => {
  const { ask, sent } = await apollo(t, { env: { PERSISTED_QUERIES: 'off' } });
  for (let i = 0; i < 3; i += 1) t.match(await ask(), { login: 'in' });
  t.same(
    sent.map(({ hasQuery }) => hasQuery),
    [false, true, true, true],
  );
});
