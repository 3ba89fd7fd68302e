/** The files that docs/frontend.md shows, as they are, against a running server. */
import { gql, type ApolloClient } from '@apollo/client';
import type { Client as UrqlClient } from '@urql/core';
import type { Client as Socket } from 'graphql-ws';
import t from 'tap';
import { WebSocket } from 'ws';
import { createApolloClient } from '../../examples/apollo.js';
import { createRequest, createTokenSession } from '../../examples/fetch.js';
import type { Session } from '../../examples/session.js';
import { createSocket } from '../../examples/subscriptions.js';
import { createUrqlClient } from '../../examples/urql.js';
import { startLiveApp } from '../helpers/live.js';
import { LOGIN, LOGOUT, type SeededUser } from '../helpers/seed.js';

const app = await startLiveApp(t);
const url = `http://127.0.0.1:${app.port}/graphql`;

const UPDATED = 'subscription Updated { meUpdated { displayName } }';
const UPDATE = 'mutation Update($name: String) { updateMe(input: { displayName: $name }) { id } }';
/** Different ones, as clients join those that are the same. */
const QUERIES = ['id', 'email', 'username', 'role', 'createdAt'].map((field) => `query Me { me { ${field} } }`);

type Named = { readonly operation?: { readonly name: string | null } };
const refreshes = () => app.logs.filter((line) => (line as Named).operation?.name === 'Refresh').length;

interface Frontend {
  query(document: string): Promise<unknown>;
  mutate(document: string, variables: object): Promise<unknown>;
  /** The received display names, in order. */
  follow(document: string, next: (name: string) => void, error: (error: unknown) => void): void;
}

type Updated = { meUpdated: { displayName: string } };

const frontends: Record<string, (session: Session, socket: Socket) => Frontend> = {
  fetch(session, socket) {
    const request = createRequest(url, session);
    return {
      query: (document) => request(document),
      mutate: (document, variables) => request(document, variables),
      follow(query, next, error) {
        socket.subscribe<Updated>(
          { query },
          { next: ({ data }) => next(data!.meUpdated.displayName), error, complete: () => undefined },
        );
      },
    };
  },
  urql(session, socket) {
    const client: UrqlClient = createUrqlClient(url, session, socket);
    const checked = ({ data, error }: { data?: unknown; error?: Error | undefined }) => {
      if (error) throw error;
      return data;
    };
    return {
      query: async (document) => checked(await client.query(document, {})),
      mutate: async (document, variables) => checked(await client.mutation(document, variables)),
      follow(document, next, fail) {
        client.subscription<Updated>(document, {}).subscribe(({ data, error }) => {
          if (error) fail(error.networkError ?? error);
          else if (data) next(data.meUpdated.displayName);
        });
      },
    };
  },
  'Apollo Client'(session, socket) {
    const client: ApolloClient = createApolloClient(url, session, socket);
    return {
      query: async (document) => (await client.query({ query: gql(document), fetchPolicy: 'no-cache' })).data,
      mutate: async (document, variables) => (await client.mutate({ mutation: gql(document), variables })).data,
      follow(document, next, fail) {
        client.subscribe<Updated>({ query: gql(document) }).subscribe({
          next: ({ data, error }) => (error ? fail(error) : next(data!.meUpdated.displayName)),
          error: fail,
        });
      },
    };
  },
};

/** A frontend with a subscription to its account; collects events and the end of the subscription. */
async function start(t: { teardown(work: () => unknown): void }, make: (typeof frontends)[string]) {
  const user: SeededUser = await app.user();
  const session = createTokenSession(url);
  session.set(user);
  const codes: unknown[] = [];
  const socket = createSocket(url.replace('http', 'ws'), session, { webSocketImpl: WebSocket });
  socket.on('closed', (event) => codes.push((event as { code?: number }).code));
  t.teardown(() => socket.dispose());
  const frontend = make(session, socket);
  const names: string[] = [];
  let wake: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => (fail = resolve));
  const next = (name: string) => {
    names.push(name);
    wake();
  };
  await app.untilSubscribed(() => frontend.follow(UPDATED, next, fail));
  const told = async () => {
    while (names.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return names.shift();
  };
  return { user, session, socket, codes, frontend, told, failed };
}

for (const [name, make] of Object.entries(frontends)) {
  t.test(`${name}: refreshes once for requests and the socket that expire together`, async (t) => {
    const { codes, frontend, told } = await start(t, make);
    await frontend.mutate(UPDATE, { name: 'Ada' });
    t.equal(await told(), 'Ada');
    for (const round of [1, 2]) {
      const before = refreshes();
      const answers = await app.untilSubscribed(() => {
        app.clock.advance(901_000);
        return Promise.all(QUERIES.map((document) => frontend.query(document)));
      });
      t.equal(new Set(answers.map((data) => JSON.stringify(data))).size, QUERIES.length);
      await frontend.mutate(UPDATE, { name: `Ada ${round}` });
      t.equal(await told(), `Ada ${round}`, 'the subscription goes on');
      t.equal(refreshes() - before, 1);
    }
    t.same(codes, [4403, 4403]);
  });

  t.test(`${name}: refreshes the token of a socket without requests`, async (t) => {
    const { user, codes, told } = await start(t, make);
    const before = refreshes();
    await app.untilSubscribed(() => app.clock.advance(901_000));
    t.same(codes, [4403]);
    const { data } = await app.client().send(LOGIN, { input: { identifier: user.username, password: user.password } });
    await app.client({ token: data!['login'].accessToken }).send(UPDATE, { name: 'Ada' });
    t.equal(await told(), 'Ada');
    t.equal(refreshes() - before, 1);
  });

  t.test(`${name}: refuses every token after a logout`, async (t) => {
    const { user, socket, codes, frontend, failed } = await start(t, make);
    let attempts = 0;
    socket.on('connecting', () => (attempts += 1));
    await user.client.send(LOGOUT);
    await failed;
    t.same([codes, attempts], [[4401], 0]);
    await t.rejects(frontend.query(QUERIES[0]!), /not valid|ended/);
    await app.quiet();
  });
}

t.test('rejects waiting requests after a refused refresh, and allows retrying a failed one', async (t) => {
  const user = await app.user();
  const session = createTokenSession(url);
  session.set({ ...user, refreshToken: 'spent' });
  const request = createRequest(url, session);
  app.clock.advance(901_000);
  const answers = await Promise.allSettled(QUERIES.map((document) => request(document)));
  t.ok(answers.every(({ status }) => status === 'rejected'));
  t.match(answers[0], { reason: { code: 'INVALID_REFRESH_TOKEN' } });
  session.set(user);
  await request(QUERIES[0]!);
});
