import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getIntrospectionQuery } from 'graphql';
import t from 'tap';
import { AppError, serviceUnavailable } from '../../src/lib/errors.js';
import { startGraphqlServer } from '../helpers/graphql-server.js';

interface Body {
  readonly data?: unknown;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: unknown;
    readonly locations?: unknown;
    readonly extensions: Record<string, unknown>;
  }[];
}

const JSON_CLIENT = { accept: 'application/json' };
const LOGIN = 'mutation Login($input: LoginInput!) { login(input: $input) }';

t.test('answers 200 with data, and otherwise the status of the first error', async (t) => {
  const { post } = await startGraphqlServer(t, {
    resolvers: {
      failing: () => {
        throw new AppError('MISSING_TOKEN', 'Log in first.');
      },
      failingRequired: () => {
        throw new AppError('INSUFFICIENT_PERMISSIONS', 'Not for you.', { requiredScopes: [['admin']] });
      },
    },
  });
  const partial = await post({ query: '{ login failing }' });
  t.equal(partial.statusCode, 200);
  t.strictSame(partial.json(), {
    errors: [
      {
        message: 'Log in first.',
        locations: [{ line: 1, column: 9 }],
        path: ['failing'],
        extensions: { code: 'MISSING_TOKEN' },
      },
    ],
    data: { login: 'in', failing: null },
  });
  const nothing = await post({ query: '{ failing failingRequired }' });
  t.equal(nothing.statusCode, 401, 'the first error counts');
  t.equal(nothing.json<Body>().data, null);
  const forbidden = await post({ query: '{ failingRequired }' });
  t.equal(forbidden.statusCode, 403);
  t.strictSame(forbidden.json<Body>().errors?.[0]?.extensions, {
    code: 'INSUFFICIENT_PERMISSIONS',
    requiredScopes: [['admin']],
  });
  t.equal((await post({ query: '{ failingRequired }' }, JSON_CLIENT)).statusCode, 200);
});

t.test('answers rejected documents with 400, or 200 for application/json', async (t) => {
  const { post } = await startGraphqlServer(t, {
    env: {
      GRAPHQL_MAX_LENGTH: '300',
      GRAPHQL_MAX_DEPTH: '3',
      GRAPHQL_MAX_ALIASES: '1',
      GRAPHQL_MAX_DIRECTIVES: '1',
      GRAPHQL_MAX_TOKENS: '50',
    },
  });
  const cases: readonly [query: string, operationName?: string][] = [
    ['{'],
    ['{ unknown }'],
    ['{ node { self { self { id } } } }'],
    ['{ a: login b: login }'],
    ['{ login @skip(if: true) @include(if: true) }'],
    [`{ ${'login '.repeat(50)} }`],
    [`{ login } #${'x'.repeat(300)}`],
    ['mutation { refresh ...F } fragment F on Mutation { refresh }'],
    ['query A { login } query B { login }'],
    ['query A { login }', 'B'],
    ['{ ...F } fragment F on Query { ...F }'],
    ['type A { a: Int }'],
  ];
  for (const [query, operationName] of cases) {
    const response = await post({ query, operationName });
    t.equal(response.statusCode, 400, query);
    const { errors = [], ...rest } = response.json<Body>();
    t.same(rest, {}, 'there is no data');
    t.same([...new Set(errors.map(({ extensions }) => extensions['code']))], ['QUERY_REJECTED']);
    t.equal((await post({ query, operationName }, JSON_CLIENT)).statusCode, 200);
  }
});

t.test('reports all errors of variables together, without their values', async (t) => {
  const { post, rawLogs } = await startGraphqlServer(t);
  const body = {
    query: LOGIN,
    variables: { input: { identifier: 5, password: ['hunter2'], inner: { colour: 'hunter2', tags: ['hunter2'] } } },
  };
  for (const headers of [{}, JSON_CLIENT]) {
    const response = await post(body, headers);
    t.equal(response.statusCode, headers === JSON_CLIENT ? 200 : 400);
    t.notMatch(response.body, /hunter2|did you mean/i);
    t.strictSame(response.json<Body>(), {
      errors: [
        {
          message: 'The input was refused; see details.',
          extensions: {
            code: 'VALIDATION_ERROR',
            details: [
              { field: 'identifier', message: 'is not a valid String' },
              { field: 'password', message: 'is not a valid String' },
              { field: 'inner.colour', message: 'is not a valid Colour' },
              { field: 'inner.tags.0', message: 'is not a valid Int' },
            ],
          },
        },
      ],
    });
  }
  const missing = await post({ query: LOGIN });
  t.strictSame(missing.json<Body>().errors?.[0]?.extensions['details'], [{ field: 'input', message: 'is required' }]);
  t.notMatch(rawLogs.join(''), /hunter2/);
});

t.test('reports a null variable in a non-null position as a client error', async (t) => {
  const { post } = await startGraphqlServer(t);
  const cases: readonly [query: string, variables: object, field: string][] = [
    ['query($n: Int = 1) { node { many(first: $n) { id } } }', { n: null }, 'first'],
    ['query($b: Boolean = true) { login @include(if: $b) }', { b: null }, 'if'],
  ];
  for (const [query, variables, field] of cases) {
    const response = await post({ query, variables });
    t.equal(response.statusCode, 400, query);
    t.strictSame(
      response.json<Body>().errors?.map(({ extensions }) => extensions),
      [{ code: 'VALIDATION_ERROR', details: [{ field, message: 'is required' }] }],
    );
  }
});

t.test('answers an unexpected error with the request id, and logs the cause', async (t) => {
  const { post, logs } = await startGraphqlServer(t, {
    resolvers: {
      failing: () => {
        throw new Error('a cause for the log');
      },
      node: () => ({ id: {}, required: null }),
    },
  });
  const response = await post({ query: '{ failing }' });
  t.equal(response.statusCode, 200, 'there is data: null is one');
  const [error] = response.json<Body>().errors ?? [];
  t.equal(error?.message, 'Internal error.');
  t.strictSame(error?.extensions, { code: 'INTERNAL_ERROR', requestId: response.headers['x-request-id'] });
  t.ok(logs.some((line) => JSON.stringify(line).includes('a cause for the log')));
  for (const query of ['{ node { id } }', '{ node { required } }']) {
    const response = await post({ query });
    t.equal(response.statusCode, 500, query);
    t.match(response.json(), {
      data: null,
      errors: [{ message: 'Internal error.', extensions: { code: 'INTERNAL_ERROR' } }],
    });
  }
});

t.test('sends retryAfter in the body and the header', async (t) => {
  const { post } = await startGraphqlServer(t, {
    resolvers: {
      failing: () => {
        throw new AppError('RATE_LIMIT_EXCEEDED', 'Too many.', { retryAfter: 7 });
      },
      failingRequired: () => {
        throw serviceUnavailable('Busy.', 3);
      },
    },
  });
  const busy = await post({ query: '{ failingRequired }' });
  t.equal(busy.statusCode, 503);
  t.equal(busy.headers['retry-after'], '3');
  const partial = await post({ query: '{ login failing }' }, JSON_CLIENT);
  t.equal(partial.statusCode, 200);
  t.equal(partial.headers['retry-after'], '7');
  const both = await post({ query: '{ failing failingRequired }' });
  t.equal(both.statusCode, 429, 'of the first');
  t.equal(both.headers['retry-after'], '7', 'the longest');
  t.equal((await post({ query: '{ login }' })).headers['retry-after'], undefined);
});

t.test('logs the internal error when an answer also has an outage', async (t) => {
  const { post, logs } = await startGraphqlServer(t, {
    resolvers: {
      login: () => {
        throw new AppError('SERVICE_UNAVAILABLE', 'Busy.', { retryAfter: 1 });
      },
      failing: () => {
        throw new Error('an error of ours');
      },
    },
  });
  await post({ query: '{ login failing }' });
  t.match(logs.at(-1), { level: 50, err: { message: 'an error of ours' } });
});

t.test('keeps the Vary header of other plugins', async (t) => {
  const { post } = await startGraphqlServer(t, {
    before: (app) => app.addHook('onRequest', async (_request, reply) => void reply.header('vary', 'Origin')),
  });
  t.equal((await post({ query: '{ login }' })).headers['vary'], 'Origin, accept');
});

t.test('turns introspection and suggestions off by configuration', async (t) => {
  const { post } = await startGraphqlServer(t, { introspection: false });
  for (const query of ['{ __schema { types { name } } }', '{ __type(name: "Node") { name } }']) {
    t.match((await post({ query })).json(), { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] }, query);
  }
  t.strictSame((await post({ query: '{ __typename }' })).json(), { data: { __typename: 'Query' } });
  for (const [query, variables] of [
    ['{ logim }', {}],
    [LOGIN, { input: { identifer: 'x', identifier: 'x', password: 'x', inner: { colour: 'REED' } } }],
  ]) {
    t.notMatch((await post({ query, variables })).body, /did you mean/i);
  }
});

t.test('turns introspection and suggestions on by configuration', async (t) => {
  const { post } = await startGraphqlServer(t, { suggestions: true });
  const response = await post({ query: getIntrospectionQuery() });
  t.equal(response.statusCode, 200);
  t.notOk(response.json<Body>().errors);
  t.match((await post({ query: '{ logim }' })).body, /Did you mean/);
});

t.test('executes the named operation of a document each time', async (t) => {
  const { post } = await startGraphqlServer(t);
  const query = 'query A { a: login } query B { b: echo(text: "B") }';
  for (let i = 0; i < 5; i += 1) {
    t.same((await post({ query, operationName: 'A' })).json(), { data: { a: 'in' } });
    t.same((await post({ query, operationName: 'B' })).json(), { data: { b: 'B' } });
  }
});

t.test('executes a document at the token limit, also after raising it', async (t) => {
  const { post } = await startGraphqlServer(t, {
    env: {
      GRAPHQL_MAX_TOKENS: '20000',
      GRAPHQL_MAX_NODES: '20000',
      GRAPHQL_MAX_LENGTH: '65536',
      GRAPHQL_MAX_BODY: '131072',
    },
  });
  const tags = '1 '.repeat(15_000);
  const response = await post({
    query: `mutation { login(input: { identifier: "a", password: "b", inner: { tags: [${tags}] } }) }`,
  });
  t.strictSame(response.json(), { data: { login: 'in' } });
});

t.test('keeps the caches of documents bounded', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heap = () => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  const { post } = await startGraphqlServer(t, {
    env: { LOG_LEVEL: 'silent', GRAPHQL_MAX_TOKENS: '1000', GRAPHQL_MAX_NODES: '1000' },
  });
  const tags = '1 '.repeat(960);
  const send = async (i: number) => {
    const query = `mutation M${i} { login(input: { identifier: "a", password: "b", inner: { tags: [${tags}] } }) }`;
    t.equal((await post({ query })).statusCode, 200);
    t.equal((await post({ query: query.replace('login', 'unknown') })).statusCode, 400);
  };
  await send(0);
  const before = heap();
  for (let i = 1; i <= 250; i += 1) await send(i);
  const grown = heap() - before;
  t.ok(grown < 30, `grew by ${Math.round(grown)} MiB`);
});

t.test('charges the work of a document once, refused or not', async (t) => {
  const charged: number[] = [];
  const { post } = await startGraphqlServer(t, { chargeDocument: async (requests) => void charged.push(requests) });
  const costly = (field: string) => `{ ${field} }`.padEnd(5000);
  await post({ query: '{ login }' });
  t.same(charged, []);
  for (let i = 0; i < 2; i += 1) t.equal((await post({ query: costly('login') })).statusCode, 200);
  t.same(charged, [2]);
  for (let i = 0; i < 2; i += 1) t.equal((await post({ query: costly('unknown') })).statusCode, 400);
  t.same(charged, [2, 2]);
});

t.test('does not execute a document whose work exceeds the request limit', async (t) => {
  const chargeDocument = async () => {
    throw new AppError('RATE_LIMIT_EXCEEDED', 'no', { retryAfter: 7 });
  };
  const { post, executed } = await startGraphqlServer(t, { chargeDocument });
  const response = await post({ query: '{ login }'.padEnd(5000) });
  t.equal(response.statusCode, 429);
  t.equal(response.headers['retry-after'], '7');
  t.equal(executed(), 0);
});
