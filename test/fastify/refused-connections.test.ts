/** Refusals before routing: their form, and their order among the responses to earlier requests. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { securityHeaders } from '../../src/fastify/security-headers.js';
import { openRaw, type RawAnswer } from '../helpers/raw.js';
import { listen, startTestServer } from '../helpers/server.js';

/** A server whose `/slow` answers when the test releases it. */
async function start(t: Parameters<typeof startTestServer>[0]) {
  const server = startTestServer(t, { NODE_ENV: 'test', PUBLIC_URL: 'https://auth.test' });
  let answer!: () => void;
  let noteArrival!: () => void;
  const arrived = new Promise<void>((resolve) => (noteArrival = resolve));
  server.app.get('/', () => 'quick');
  server.app.post('/', () => 'posted');
  server.app.get('/slow', (_request, reply) => {
    answer = () => void reply.send('slow');
    noteArrival();
    return reply;
  });
  const expected = securityHeaders(server.config);
  return {
    ...server,
    port: await listen(server.app),
    arrived,
    answer: () => answer(),
    /** Whether a response has the form of every error response. */
    hasForm: ({ headers, body }: RawAnswer, message: string): boolean =>
      Object.entries(expected).every(([name, value]) => headers[name] === value) &&
      /^[\da-f-]{36}$/.test(headers['x-request-id'] ?? '') &&
      headers['connection'] === 'close' &&
      headers['content-type'] === 'application/json; charset=utf-8' &&
      body === JSON.stringify({ errors: [{ message, extensions: { code: 'QUERY_REJECTED' } }] }),
  };
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

t.test('refuses malformed input with a JSON error and the headers of every response, and logs it', async (t) => {
  const { port, logs, hasForm } = await start(t);
  const CASES: Record<string, readonly [bytes: string, status: number, message: string]> = {
    'not HTTP': ['hunter2\r\n\r\n', 400, 'The request is malformed.'],
    'headers too large': [
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'The headers are too large.',
    ],
    'a length twice': [`${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400, 'The request is malformed.'],
    'length and chunks': [
      `${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      400,
      'The request is malformed.',
    ],
    'a malformed chunk': [`${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, 400, 'The request is malformed.'],
    'large chunk extensions': [
      `${POST}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(17_000)}\r\n{}\r\n0\r\n\r\n`,
      413,
      'The chunk extensions are too large.',
    ],
    'an unknown expectation': [
      'GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n',
      417,
      'Only Expect: 100-continue is supported.',
    ],
    CONNECT: ['CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'CONNECT is not supported.'],
    'two Host headers': [
      'GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n',
      400,
      'The request must have exactly one Host header.',
    ],
    'no Host header': ['GET / HTTP/1.1\r\n\r\n', 400, 'The request must have exactly one Host header.'],
    'two Host headers in HTTP/1.0': [
      'GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n',
      400,
      'The request must have exactly one Host header.',
    ],
  };
  const wrong: unknown[] = [];
  for (const [name, [bytes, status, message]] of Object.entries(CASES)) {
    const before = logs.length;
    const raw = await openRaw(t, port);
    raw.send(bytes);
    const answers = await raw.rest();
    const [answer] = answers;
    const logged = logs.slice(before).some((line) => line['status'] === status && line['code'] === 'QUERY_REJECTED');
    if (answers.length !== 1 || answer?.status !== status || !hasForm(answer, message) || !logged)
      wrong.push({ name, answers, lines: logs.slice(before) });
  }
  t.strictSame(wrong, []);
});

t.test('serves HTTP/1.0 without a Host header', async (t) => {
  const { port } = await start(t);
  const raw = await openRaw(t, port);
  raw.send('GET / HTTP/1.0\r\n\r\n');
  t.match(await raw.rest(), [{ status: 200 }]);
});

t.test('writes a refusal after the responses to earlier requests', async (t) => {
  for (const [event, bytes, status] of [
    ['clientError', 'hunter2\r\n\r\n', 400],
    ['connect', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 501],
    ['clientError', `${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`, 400],
  ] as const) {
    const { port, arrived, answer, app } = await start(t);
    const raw = await openRaw(t, port);
    raw.send(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${GET}`);
    await arrived;
    const refused = once(app.server, event);
    raw.send(bytes);
    await refused;
    // Later input is ignored.
    raw.send(bytes);
    answer();
    t.match(await raw.rest(), [{ status: 200, body: 'slow' }, { status: 200, body: 'quick' }, { status }], event);
  }
});

t.test('sends no second response if the first was sent before the body ended', async (t) => {
  const { port } = await start(t);
  const raw = await openRaw(t, port);
  raw.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n');
  t.equal((await raw.next()).status, 400);
  raw.send('xyz\r\n');
  t.same(await raw.rest(), []);
});

t.test('answers 408 after the request timeout and closes the connection', async (t) => {
  const { port, app, hasForm } = await start(t);
  app.server.headersTimeout = app.server.requestTimeout = 1;
  const raw = await openRaw(t, port);
  raw.send('GET / HTTP/1.1\r\nHost:');
  const answers = await raw.rest();
  t.match(answers, [{ status: 408 }]);
  t.ok(hasForm(answers[0]!, 'The request took too long to arrive.'));
});

t.test('logs no connection reset, and logs an interrupted request with status 499', async (t) => {
  const { port, app, logs, logged } = await start(t);
  const ended = () => once(logged, 'line');
  const raw = await openRaw(t, port);
  const request = once(app.server, 'request');
  raw.send(`${POST}Content-Length: 100\r\n\r\n{`);
  await request;
  const line = ended();
  raw.socket.resetAndDestroy();
  await line;
  const accepted = once(app.server, 'connection') as Promise<[Socket]>;
  const other = await openRaw(t, port);
  const [socketHere] = await accepted;
  const closed = new Promise((resolve) => socketHere.once('close', resolve));
  const arrived = once(socketHere, 'data');
  other.send('GET / HT');
  await arrived;
  other.socket.resetAndDestroy();
  await closed;
  t.match(
    logs.filter(({ msg }) => msg !== `Server listening at http://127.0.0.1:${port}`),
    [{ level: 30, msg: 'request', status: 499 }],
  );
  t.notOk(logs.some(({ level }) => (level as number) > 30));
  t.equal(logs.length, 2);
});

t.test('destroys the connection of a refused client that does not close it or is gone', async (t) => {
  const { port, app } = await start(t);
  const accepted = once(app.server, 'connection') as Promise<[Socket]>;
  const silent = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => silent.destroy());
  const [socketHere] = await accepted;
  silent.write('hunter2\r\n\r\n');
  await once(socketHere, 'close');
  const gone = Object.assign(new Error('gone'), { code: 'HPE_INVALID_METHOD' });
  const socket = { writable: false, destroyed: false, destroy: () => (socket.destroyed = true) };
  // Cast: only the members of a destroyed socket that are read.
  app.connections.refuseUnparsed(gone, socket as never);
  t.ok(socket.destroyed);
});
