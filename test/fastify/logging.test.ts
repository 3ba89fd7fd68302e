import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { AppError } from '../../src/lib/errors.js';
import { listen, startTestServer } from '../helpers/server.js';

const SECRET = 'hunter2-hunter2';
const JWT = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
const REQUEST = { msg: 'request' };

t.test('logs one line per request with the route pattern and without the query string', async (t) => {
  const { app, logs } = startTestServer(t);
  app.get('/things/:id', (request, reply) => {
    request.operation = { type: 'mutation', name: `Log\nin ${'x'.repeat(200)}` };
    return reply.send('ok');
  });
  const response = await app.inject({ url: `/things/7?token=${SECRET}`, remoteAddress: '203.0.113.7' });
  t.equal(logs.length, 1);
  t.match(logs[0], {
    ...REQUEST,
    level: 30,
    method: 'GET',
    url: '/things/:id',
    status: 200,
    ip: '203.0.113.7',
    requestId: response.headers['x-request-id'],
    operation: { type: 'mutation', name: `Login${'x'.repeat(59)}` },
    durationMs: Number,
  });
  t.notHas(logs[0], { code: String });
});

t.test('logs an anonymous operation without a name', async (t) => {
  const { app, logs } = startTestServer(t);
  app.get('/', (request, reply) => {
    request.operation = { type: 'query', name: null };
    return reply.send('ok');
  });
  await app.inject('/');
  t.same(logs[0]?.['operation'], { type: 'query', name: null });
});

t.test('logs the truncated path without its query if no route matches', async (t) => {
  const { app, logs } = startTestServer(t);
  await app.inject(`/${JWT}?password=${SECRET}`);
  t.match(logs[0], { url: '/[redacted]', status: 404, code: 'NOT_FOUND' });
  await app.inject(`/${'ab/'.repeat(2000)}`);
  t.equal(String(logs[1]?.['url']).length, 200);
  await app.inject('/a/%zz');
  t.match(logs[2], { url: '/a/%zz', status: 400, code: 'QUERY_REJECTED' });
  await app.inject(`/${'ab/'.repeat(60)}${JWT}`);
  t.match(logs[3], { url: /^[/ab]+\[redacted\]$/ });
  t.equal(logs.length, 4);
});

t.test('logs no secret in any field or error of a request', async (t) => {
  const { app, rawLogs, logs } = startTestServer(t, { LOG_LEVEL: 'trace' });
  class DrizzleQueryError extends Error {
    readonly params = [SECRET];
    constructor() {
      super(`Failed query: update\nparams: ${SECRET}`);
    }
  }
  const thrown: unknown[] = [
    new DrizzleQueryError(),
    Object.assign(new Error('x'), { detail: SECRET, body: { password: SECRET } }),
    new Error(`sent Bearer ${SECRET} and ${JWT} with password=${SECRET}`, { cause: new DrizzleQueryError() }),
    new AppError('INTERNAL_ERROR', 'Internal error.', {}, new DrizzleQueryError()),
    SECRET,
    { password: SECRET },
  ];
  app.post('/throw/:index', (request) => {
    throw thrown[Number((request.params as { index: string }).index)];
  });
  app.post('/log', (request, reply) => {
    request.log.info(
      { body: request.body, headers: request.headers, nested: { password: SECRET, refreshToken: SECRET } },
      'careless',
    );
    request.log.info({ req: request, res: reply });
    request.log.warn(new DrizzleQueryError());
    request.log.warn(new DrizzleQueryError(), 'with words');
    request.log.warn({ err: new DrizzleQueryError() });
    request.log.warn(`password=${SECRET}`);
    request.log.warn('%s said', `Bearer ${SECRET}`);
    return reply.send('ok');
  });
  const headers = {
    authorization: `Bearer ${SECRET}`,
    cookie: `refresh=${SECRET}`,
    'content-type': 'application/json',
  };
  const payload = JSON.stringify({ query: 'mutation', variables: { password: SECRET } });
  for (const index of thrown.keys()) {
    const response = await app.inject({ method: 'POST', url: `/throw/${index}?token=${SECRET}`, headers, payload });
    t.equal(response.statusCode, 500);
    t.notMatch(response.payload, /hunter2|Failed query|stack/);
  }
  t.equal(logs.length, thrown.length, 'one line each');
  for (const line of logs) t.match(line, { level: 50, code: 'INTERNAL_ERROR', err: { type: String } });
  await app.inject({ method: 'POST', url: '/log', headers, payload });
  await app.inject({ method: 'POST', url: '/log', headers, payload: `{"password": ${SECRET}` });
  await app.inject({
    method: 'POST',
    url: '/log',
    headers,
    payload: JSON.stringify({ password: SECRET.repeat(5000) }),
  });
  await app.inject({ method: 'POST', url: '/log', headers: { ...headers, 'content-type': `text/${SECRET}` }, payload });
  t.notMatch(rawLogs.join(''), 'hunter2');
  t.ok(
    rawLogs.every((line) => line.indexOf('\n') === line.length - 1),
    'nothing breaks a line apart',
  );
});

t.test('logs a request that the client aborts', async (t) => {
  const { app, logs, logged } = startTestServer(t);
  const arrived = new Promise<void>((resolve) => {
    app.post('/slow', (_request, reply) => {
      reply.raw.once('close', () => void reply.send('late'));
      resolve();
    });
  });
  const port = await listen(app);
  const before = logs.length;
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /slow?a=${SECRET} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${SECRET}\r\ncontent-length: 0\r\n\r\n`,
  );
  await arrived;
  const line = once(logged, 'line');
  socket.destroy();
  await line;
  t.match(logs.slice(before), [{ ...REQUEST, url: '/slow', status: 499, ip: '127.0.0.1' }]);
  t.equal(logs.length, before + 1);
});

t.test('logs a hijacked connection with status 101', async (t) => {
  const { app, logs } = startTestServer(t);
  app.get('/ws', (_request, reply) => {
    reply.hijack();
    reply.raw.destroy();
  });
  await app.inject('/ws').catch(() => undefined);
  t.match(logs[0], { ...REQUEST, status: 101 });
});

t.test('logs an outage or overload with its reason and without a stack', async (t) => {
  const { app, rawLogs, logs } = startTestServer(t);
  const refused = Object.assign(new Error('connect\nrefused'), { code: 'ECONNREFUSED' });
  const query = new Error(`Failed query: select\nparams: ${SECRET}`, { cause: refused });
  app.get('/away', () => {
    throw new AppError('SERVICE_UNAVAILABLE', 'Away.', { retryAfter: 2 }, query);
  });
  app.get('/busy', () => {
    throw new AppError('SERVICE_UNAVAILABLE', 'Busy.', { retryAfter: 2 });
  });
  app.get('/broken', () => {
    throw new Error('broken');
  });
  for (const url of ['/away', '/busy', '/broken']) await app.inject(url);
  t.match(logs, [
    { level: 40, code: 'SERVICE_UNAVAILABLE', reason: 'Away. (ECONNREFUSED: connect refused)' },
    { level: 40, code: 'SERVICE_UNAVAILABLE', reason: 'Busy.' },
    { level: 50, code: 'INTERNAL_ERROR', err: { message: 'broken', stack: /\n {4}at / } },
  ]);
  t.notMatch(rawLogs.slice(0, 2).join(''), /hunter2|"stack"|"err"/);
});
