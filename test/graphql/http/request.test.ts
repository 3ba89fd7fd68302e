import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { LightMyRequestResponse } from 'fastify';
import { parse } from 'graphql';
import t, { type Test } from 'tap';
import { startGraphqlServer, type GraphqlServer } from '../../helpers/graphql-server.js';
import { listen } from '../../helpers/server.js';

const QUERY = { query: '{ login }' };
const server = await startGraphqlServer(t);

/** Asserts a refusal in the contract's shape, and that nothing was executed for it. */
async function refused(
  t: Test,
  what: string,
  ask: (server: GraphqlServer) => Promise<LightMyRequestResponse>,
  status = 400,
): Promise<void> {
  const before = server.executed();
  const response = await ask(server);
  t.equal(response.statusCode, status, what);
  t.match(response.headers['content-type'], /^application\/(?:graphql-response\+)?json; charset=utf-8$/);
  const body = response.json<{ errors: { message: string; extensions: object }[] }>();
  t.notOk('data' in body, 'there is no data');
  t.same(
    body.errors.map(({ extensions }) => extensions),
    [{ code: 'QUERY_REJECTED' }],
  );
  t.equal(server.executed(), before, 'nothing was executed');
}

t.test('answers a query by POST or GET with the requested media type and no-store', async (t) => {
  for (const response of [await server.post(QUERY), await server.get({ ...QUERY, variables: '', operationName: '' })]) {
    t.equal(response.statusCode, 200);
    t.equal(response.headers['content-type'], 'application/graphql-response+json; charset=utf-8');
    t.equal(response.headers['cache-control'], 'no-store');
    t.equal(response.headers['vary'], 'accept');
    t.equal(response.body, '{"data":{"login":"in"}}');
  }
});

t.test('passes parameters to the operation, by POST and GET', async (t) => {
  const params = {
    query: 'query A { login } query B($t: String) { echo(text: $t) }',
    operationName: 'B',
    extensions: { any: 1 },
  };
  const posted = await server.post({ ...params, variables: { t: 'Run🏃' } });
  t.same(posted.json(), { data: { echo: 'Run🏃' } });
  const got = await server.get({ ...params, variables: '{"t":"Run🏃"}', extensions: '{"any":1}' });
  t.same(got.json(), { data: { echo: 'Run🏃' } });
});

t.test('treats null and empty parameters as omitted, and ignores unknown ones', async (t) => {
  for (const rest of [
    { variables: null, operationName: null, extensions: null },
    { operationName: '' },
    { id: 1, documentId: 'x' },
  ]) {
    t.same((await server.post({ ...QUERY, ...rest })).json(), { data: { login: 'in' } });
  }
});

t.test('refuses requests that are not GraphQL', async (t) => {
  const ast = JSON.stringify({ kind: 'Document', definitions: [] });
  for (const body of [
    '',
    '{',
    '{ "not a JSON',
    'null',
    '"text"',
    '5',
    '{}',
    JSON.stringify({ query: null }),
    JSON.stringify({ query: { kind: 'Document' } }),
    JSON.stringify({ query: 0 }),
    JSON.stringify({ query: ['{ login }'] }),
    `{"query":${ast}}`,
    ...['"text"', '[]', '0', 'false'].flatMap((value) => [
      `{"query":"{ login }","variables":${value}}`,
      `{"query":"{ login }","extensions":${value}}`,
    ]),
    ...['{}', '[]', '0', 'false'].map((value) => `{"query":"{ login }","operationName":${value}}`),
    '{"query":"{ login }","__proto__":{"variables":{}}}',
    '{"query":"{ login }","variables":{"__proto__":{"x":1}}}',
    '{"query":"{ login }","variables":{"a":{"constructor":{"prototype":{"x":1}}}}}',
  ]) {
    await refused(t, body || 'an empty body', ({ post }) => post(body));
  }
  for (const params of [
    {},
    { variables: '{}' },
    { ...QUERY, variables: '{' },
    { ...QUERY, variables: '"x"' },
    { ...QUERY, variables: '[]' },
    { ...QUERY, extensions: '[1' },
    { ...QUERY, extensions: '1' },
    { ...QUERY, variables: '{"__proto__":{"x":1}}' },
    { ...QUERY, variables: '{"a":[{"\\u005f_proto__":{"x":1}}]}' },
    { ...QUERY, extensions: '{"persistedQuery":{"__proto__":{"version":1}}}' },
  ]) {
    await refused(t, JSON.stringify(params), ({ get }) => get(params));
  }
  await refused(t, 'a repeated parameter', ({ app }) =>
    app.inject({ url: '/graphql?query={login}&query={login}', headers: { 'x-requested-with': 'test' } }),
  );
});

t.test('keeps the status of malformed requests for application/json', async (t) => {
  for (const body of ['{', '[]', '{}'])
    await refused(t, body, ({ post }) => post(body, { accept: 'application/json' }));
});

t.test('refuses batches', async (t) => {
  for (const batch of [[], [QUERY], [QUERY, QUERY]])
    await refused(t, `a batch of ${batch.length}`, ({ post }) => post(batch));
});

t.test('refuses a JSON syntax tree as a query', async (t) => {
  const response = await server.post({ query: JSON.stringify(parse('{ login }', { noLocation: true })) });
  t.equal(response.statusCode, 400);
  t.match(response.json(), { errors: [{ message: /^Syntax Error/, extensions: { code: 'QUERY_REJECTED' } }] });
});

t.test('answers JSON nested as deep as a body allows', async (t) => {
  const depth = 16_000;
  const deep = '['.repeat(depth) + ']'.repeat(depth);
  await refused(t, 'a deep body', ({ post }) => post(deep));
  const variables = `{"query":"query($t: String) { echo(text: $t) }","variables":{"t":${deep}}}`;
  t.match((await server.post(variables)).json(), { errors: [{ extensions: { code: 'VALIDATION_ERROR' } }] });
});

t.test('refuses every body but uncompressed JSON in UTF-8', async (t) => {
  const json = JSON.stringify(QUERY);
  for (const type of [
    'application/json',
    'APPLICATION/JSON',
    'application/json;charset=UTF-8',
    'application/json; charset="utf-8"; x=y',
  ]) {
    t.equal((await server.post(json, { 'content-type': type })).statusCode, 200, type);
  }
  for (const type of [
    'text/plain',
    'text/plain; a=application/json',
    'text/plain, application/json',
    'application/json, text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/graphql',
    'application/jsonp',
    'application/problem+json',
    'application/json; charset=utf-16',
    'application/json; charset="iso-8859-1"',
    'nonsense',
    '',
  ]) {
    await refused(t, type || 'no type', ({ post }) => post(json, { 'content-type': type }));
  }
  await refused(t, 'compressed', ({ post }) => post(gzipSync(json), { 'content-encoding': 'gzip' }));
  await refused(t, 'not UTF-8', ({ post }) => post(Buffer.from('{"query":"{ echo(text: \\"\xe9\\") }"}', 'latin1')));
});

t.test('refuses a body above the limit, with or without Content-Length', async (t) => {
  const { app, config } = server;
  const padded = (bytes: number) =>
    JSON.stringify({ ...QUERY, x: '' }).replace(
      '""',
      `"${'x'.repeat(bytes - JSON.stringify({ ...QUERY, x: '' }).length)}"`,
    );
  const limit = config.graphql.maxBodyBytes;
  t.equal((await server.post(padded(limit))).statusCode, 200);
  await refused(t, 'one byte more', ({ post }) => post(padded(limit + 1)));

  const before = server.executed();
  const request = httpRequest({
    port: await listen(app),
    host: '127.0.0.1',
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json' },
  });
  request.end(padded(limit + 1));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  t.equal(response.statusCode, 400, 'chunked');
  t.equal(server.executed(), before);
  response.resume();
  await once(response, 'close');
});

t.test('refuses a GET that browsers send without a preflight', async (t) => {
  for (const headers of [
    {},
    { 'content-type': 'text/plain' },
    { accept: 'application/graphql-response+json', 'accept-language': 'en' },
  ]) {
    await refused(t, JSON.stringify(headers), ({ get }) => get(QUERY, headers));
  }
  for (const name of [
    'graphql-require-preflight',
    'apollo-require-preflight',
    'x-apollo-operation-name',
    'x-requested-with',
  ]) {
    t.equal((await server.get(QUERY, { [name]: '1' })).statusCode, 200, name);
  }
  t.equal((await server.get(QUERY, { 'content-type': 'application/json' })).statusCode, 200);
});

t.test('refuses mutations by GET', async (t) => {
  await refused(t, 'a mutation', ({ get }) => get({ query: 'mutation { logout }' }), 405);
  const response = await server.get(
    { query: 'query Q { login } mutation M { logout }', operationName: 'M' },
    { 'x-requested-with': 'x', accept: 'application/json' },
  );
  t.equal(response.statusCode, 405);
  t.equal(response.headers['allow'], 'POST');
});

t.test('refuses subscriptions over HTTP', async (t) => {
  const subscription = { query: 'subscription { ticks }' };
  await refused(t, 'by POST', ({ post }) => post(subscription));
  await refused(t, 'by GET', ({ get }) => get(subscription));
});

t.test('refuses other methods before reading the body', async (t) => {
  for (const method of ['PUT', 'PATCH', 'DELETE', 'HEAD'] as const) {
    const response = await server.app.inject({
      method,
      url: '/graphql',
      headers: { 'content-type': 'text/xml' },
      payload: 'x'.repeat(50_000),
    });
    t.equal(response.statusCode, 405, method);
    t.equal(response.headers['allow'], 'GET, POST');
    if (method !== 'HEAD') t.match(response.json(), { errors: [{ extensions: { code: 'QUERY_REJECTED' } }] });
  }
});

t.test('answers 406 with both media types when a client accepts neither', async (t) => {
  await refused(t, 'by POST', ({ post }) => post(QUERY, { accept: 'text/html' }), 406);
  const response = await server.post(QUERY, { accept: 'text/html' });
  t.match(response.body, /application\/graphql-response\+json.*application\/json/);
});
