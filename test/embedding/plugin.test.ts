/** The Fastify plugin in an application with its own plugins, hooks and parsers. */
import { once } from 'node:events';
import fastify from 'fastify';
import { createClient } from 'graphql-ws';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { AppError, latchkey, type LatchkeyPluginOptions } from '../../src/index.js';
import { answersOf, embeddedConfig, foreignApp } from '../helpers/foreign-app.js';
import { listen } from '../helpers/server.js';
import { register, send } from '../helpers/embedded-client.js';

interface Movie {
  readonly title: string;
}

const typeDefs = `
  type Movie { title: String! }
  extend type Query {
    movies: [Movie!]! @requiresScopes(scopes: [["read:content"]])
    numberOfMovies: Int! @public
    missing: Int @public
    everything: Int @requiresScopes(scopes: [["admin"]])
  }
  extend type Mutation { addMovie(title: String!): Movie! @authenticated @rateLimit(max: 2, window: "1m") }
  extend type Subscription { movieAdded: Movie! @requiresScopes(scopes: [["read:content"]]) }
  extend type User { favourite: Movie }
`;

const resolvers: LatchkeyPluginOptions['resolvers'] = {
  Query: {
    movies: () => [{ title: 'Metropolis' }],
    numberOfMovies: () => 1,
    missing: () => {
      throw new AppError('NOT_FOUND', 'No such movie.');
    },
    everything: () => 1,
  },
  Mutation: { addMovie: (_source: unknown, { title }: Movie) => ({ title }) },
  Subscription: {
    movieAdded: {
      async *subscribe() {
        yield { title: 'Nosferatu' };
      },
    },
  },
  User: {
    favourite: ({ id }: { id: string }, _args: unknown, { principal }) => ({
      title: principal().subject.kind === 'user' ? `the favourite of ${id}` : '',
    }),
  },
};

async function embedded(t: Test, order: 'first' | 'last') {
  const config = await embeddedConfig(t);
  const host = await foreignApp(t, order, (app) =>
    app.register(latchkey, { prefix: '/auth', config, typeDefs, resolvers }),
  );
  host.app.get('/me', async (request) => (await host.app.latchkey.authenticate(request)).subject);
  host.app.get('/movies', { preHandler: host.app.latchkey.requireScopes([['read:content']]) }, () => 'Metropolis');
  host.app.get('/all', { preHandler: host.app.latchkey.requireScopes([['admin', 'read:content']]) }, () => 'all');
  return host;
}

/** Creating databases takes seconds, so tests share these; the last tests close them. */
const hosts = { first: await embedded(t, 'first'), last: await embedded(t, 'last') };

for (const order of ['first', 'last'] as const) {
  t.test(`changes no response, header, hook or parser of the application when registered ${order}`, async (t) => {
    const alone = await foreignApp(t, order, () => undefined);
    const expected = await answersOf(alone, '192.0.2.1');
    const host = hosts[order];
    t.same(await answersOf(host, '192.0.2.1'), expected);
    await register(host.app);
    t.same(host.hooks.splice(0), ['onRequest POST /auth/graphql', 'onResponse POST /auth/graphql']);
    t.same(await answersOf(host, '192.0.2.2'), expected, 'nor after it was used');
  });

  t.test(`serves its routes with its own headers, parsers and errors when registered ${order}`, async (t) => {
    const { app } = hosts[order];
    const { accessToken, user } = await register(app);
    const me = await send(app, '{ me { id favourite { title } } movies { title } }', {}, accessToken);
    t.same(me.data, {
      me: { id: user.id, favourite: { title: `the favourite of ${user.id}` } },
      movies: [{ title: 'Metropolis' }],
    });
    t.match(me.headers, { 'x-content-type-options': 'nosniff', 'x-ratelimit-limit': '600', 'x-request-id': String });
    t.notOk('access-control-allow-origin' in me.headers);
    const get = (url: string, headers = {}) => app.inject({ url, headers });
    const jwks = await get('/auth/.well-known/jwks.json');
    t.match(jwks.json(), { keys: [{ kty: 'OKP', alg: 'EdDSA' }] });
    t.match((await get('/auth/graphiql')).body, '<html');
    t.match((await get('/auth/reset-password?token=abc')).headers, { location: 'reset-password' });
    t.match((await get('/auth/graphql')).json(), { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] });
    const text = { 'content-type': 'text/csv' };
    const csv = await app.inject({ method: 'POST', url: '/auth/graphql', headers: text, payload: 'a,b' });
    t.match(csv.json(), { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] });
    t.equal((await app.inject({ method: 'DELETE', url: '/auth/graphql' })).statusCode, 405);
    t.equal((await get('/auth/healthz')).body, 'nothing of the application', "probes are the application's");
    const cross = await app.inject({ method: 'POST', url: '/auth/graphql', headers: { origin: 'https://app.test' } });
    t.equal(cross.headers['access-control-allow-origin'], 'https://app.test');
  });
}

t.test('keeps its refresh cookie apart from the cookies of the application', async (t) => {
  const { app } = hosts.first;
  const [origin, cookies] = ['http://host.test', { theme: 'dark' }];
  const post = (query: string, others: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url: '/auth/graphql',
      headers: { origin, 'content-type': 'application/json' },
      cookies: { ...cookies, ...others },
      payload: { query },
    });
  const registered = await post(`mutation { register(input: {
    email: "cookie@mail.test", username: "cookie", password: "a quiet brass telescope", transport: COOKIE
  }) { refreshToken } }`);
  t.same(registered.json(), { data: { register: { refreshToken: null } } });
  const refresh = registered.cookies.find(({ name }) => name === 'latchkey-refresh')!;
  t.match(refresh, { path: '/auth', httpOnly: true, sameSite: 'Strict' });
  const renewed = await post('mutation { refresh { user { username } } }', { [refresh.name]: refresh.value });
  t.same(renewed.json(), { data: { refresh: { user: { username: 'cookie' } } } });
});

t.test('enforces the directives on fields of the application', async (t) => {
  const { app } = hosts.last;
  const { accessToken } = await register(app);
  const codes = async (query: string, token?: string) =>
    (await send(app, query, {}, token)).errors?.map(({ extensions }) => extensions.code as string);
  t.same(await codes('{ movies { title } }'), ['MISSING_TOKEN']);
  t.same(await codes('{ everything }', accessToken), ['INSUFFICIENT_PERMISSIONS']);
  t.same(await codes('{ numberOfMovies }'), undefined);
  t.same(await codes('{ missing }'), ['NOT_FOUND']);
  const add = 'mutation { addMovie(title: "M") { title } }';
  t.same(await codes(add), ['MISSING_TOKEN']);
  t.same([await codes(add, accessToken), await codes(add, accessToken)], [undefined, undefined]);
  t.same(await codes(add, accessToken), ['RATE_LIMIT_EXCEEDED']);
});

t.test('requires scopes on REST routes of the application', async (t) => {
  const { app } = hosts.last;
  const { accessToken, user } = await register(app);
  const get = (url: string, token?: string) =>
    app.inject({ url, headers: token ? { authorization: `Bearer ${token}` } : {} });
  t.equal((await get('/movies', accessToken)).body, 'Metropolis');
  t.match((await get('/me', accessToken)).json(), { kind: 'user', user: { id: user.id, role: 'USER' } });
  t.equal((await get('/me')).json<{ oops: string }>().oops, 'An access token is required.', 'its errors can be caught');
  const missing = await get('/movies');
  t.equal(missing.statusCode, 401);
  t.equal(missing.headers['www-authenticate'], 'Bearer');
  t.match(missing.json(), { errors: [{ extensions: { code: 'MISSING_TOKEN' } }] });
  const forged = await get('/movies', 'x');
  t.equal(forged.headers['www-authenticate'], 'Bearer error="invalid_token"');
  t.match(forged.json(), { errors: [{ extensions: { code: 'INVALID_TOKEN' } }] });
  const lacking = await get('/all', accessToken);
  t.equal(lacking.statusCode, 403);
  t.equal(lacking.headers['www-authenticate'], 'Bearer error="insufficient_scope", scope="admin read:content"');
  t.match(lacking.json(), { errors: [{ extensions: { requiredScopes: [['admin', 'read:content']] } }] });
  await send(app, 'mutation { logout }', {}, accessToken);
  t.equal((await get('/movies', accessToken)).statusCode, 401, 'a session that has ended opens nothing');
  t.throws(() => app.latchkey.requireScopes([['read:nothing']]), /the scope read:nothing is unknown/);
});

t.test('reads the session once for a request, and again for a fresh result', async (t) => {
  const { app } = hosts.last;
  const { accessToken } = await register(app);
  const request = { headers: { authorization: `Bearer ${accessToken}` } };
  const before = await app.latchkey.authenticate(request);
  await send(app, 'mutation { logout }', {}, accessToken);
  t.equal(await app.latchkey.authenticate(request), before);
  await t.rejects(app.latchkey.authenticate(request, { fresh: true }), { code: 'INVALID_TOKEN' });
  await t.rejects(
    app.latchkey.authenticate(request),
    { code: 'INVALID_TOKEN' },
    'the fresh result replaces the earlier',
  );
});

for (const order of ['first', 'last'] as const) {
  t.test(`shares the application's server for WebSockets when registered ${order}`, async (t) => {
    const { app } = hosts[order];
    const port = await listen(app);
    const { accessToken } = await register(app);
    const client = createClient({
      url: `ws://127.0.0.1:${port}/auth/graphql?v=1`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${accessToken}` },
    });
    const events: unknown[] = [];
    for await (const event of client.iterate({ query: 'subscription { movieAdded { title } }' })) events.push(event);
    t.same(events, [{ data: { movieAdded: { title: 'Nosferatu' } } }]);

    const own = new WebSocket(`ws://127.0.0.1:${port}/socket`);
    await once(own, 'open');
    own.send('hello');
    t.equal(String((await once(own, 'message'))[0]), 'application: hello');
    own.terminate();

    const foreign = new WebSocket(`ws://127.0.0.1:${port}/auth/graphql`, 'graphql-transport-ws', {
      origin: 'https://other.test',
    });
    t.match(await once(foreign, 'error'), [{ message: 'Unexpected server response: 403' }]);

    const stays = new WebSocket(`ws://127.0.0.1:${port}/auth/graphql`, 'graphql-transport-ws');
    await once(stays, 'open');
    const closed = once(stays, 'close');
    await app.close();
    t.equal((await closed)[0], 1001, 'closing the application closes sockets');
  });
}

t.test('answers preflight requests by CORS_ORIGINS if the application has no CORS plugin', async (t) => {
  const app = fastify();
  t.teardown(() => app.close());
  await app.register(latchkey, { prefix: '/auth', config: { ...(await embeddedConfig(t)), GRAPHIQL: false } });
  const preflight = async (url: string, origin: string) => {
    const headers = { origin, 'access-control-request-method': 'POST' };
    const response = await app.inject({ method: 'OPTIONS', url, headers });
    return [response.statusCode, response.headers['access-control-allow-origin']];
  };
  t.same(await preflight('/auth/graphql', 'https://app.test'), [204, 'https://app.test']);
  t.same(await preflight('/auth/graphql', 'https://other.test'), [404, undefined]);
  t.same(await preflight('/elsewhere', 'https://app.test'), [404, undefined]);
  t.equal((await app.inject('/auth/graphiql')).statusCode, 404, 'settings may be booleans');
});

t.test('answers 503 without the cause while its database is unavailable', async (t) => {
  const lines: string[] = [];
  const config = await embeddedConfig(t);
  const app = fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } });
  await app.register(latchkey, { config });
  app.get('/movies', { preHandler: app.latchkey.requireScopes([['read:content']]) }, () => 'Metropolis');
  const { accessToken } = await register(app, '');
  t.equal((await app.inject('/movies')).statusCode, 401);
  await app.close();
  const caught = (error: unknown) => error as AppError;
  const failure = await app.latchkey
    .authenticate({ headers: { authorization: `Bearer ${accessToken}` } })
    .catch(caught);
  t.match(failure, { code: 'SERVICE_UNAVAILABLE', status: 503, cause: undefined });
  t.match(lines.join(''), '"msg":"Authentication failed"');
  t.match(lines.join(''), '"url":"/graphql"', 'its lines are in the log of the application');
  t.notMatch(lines.join(''), accessToken);
});
