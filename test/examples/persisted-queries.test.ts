/** Apollo Client with automatic persisted queries: it sends a document's hash, and the document when the server has not seen it. */
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache, type TypedDocumentNode } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import t from 'tap';
import { startLiveApp } from '../helpers/live.js';

const app = await startLiveApp(t);

t.test('sends a document once, and then its hash', async (t) => {
  const user = await app.user();
  const sent: { query?: string; extensions?: { persistedQuery?: { sha256Hash: string } } }[] = [];
  const link = new HttpLink({
    uri: `http://127.0.0.1:${app.port}/graphql`,
    headers: { authorization: `Bearer ${user.accessToken}` },
    fetch(input, init) {
      sent.push(JSON.parse(init!.body as string) as (typeof sent)[number]);
      return fetch(input, init);
    },
  });
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([new PersistedQueryLink({ sha256 }), link]),
  });
  const ask = async () => {
    const query: TypedDocumentNode<{ me: { username: string } }> = gql('query Persisted { me { username } }');
    return (await client.query({ query, fetchPolicy: 'no-cache' })).data;
  };
  t.match(await ask(), { me: { username: user.username } });
  t.match(await ask(), { me: { username: user.username } });
  t.same(
    sent.map(({ query, extensions }) => [query !== undefined, extensions?.persistedQuery?.sha256Hash.length]),
    [
      [false, 64],
      [true, 64],
      [false, 64],
    ],
  );
});
