import t from 'tap';
import { createServer } from '../../src/server/http-server.js';
import { loadConfig } from '../../src/config/config.js';
import { listen, startTestServer } from '../helpers/server.js';

t.test('limits the time for headers and requests, and checks it often', async (t) => {
  const { server } = startTestServer(t).app;
  t.ok(server.headersTimeout > 0 && server.headersTimeout <= server.requestTimeout);
  t.ok(server.requestTimeout <= 30_000);
  t.ok(server.timeout > server.requestTimeout, 'the end of patience with one request comes after');
  t.ok(server.keepAliveTimeout > 60_000, 'load balancers let go first');
});

t.test('limits the body size as configured', async (t) => {
  const { app } = startTestServer(t, { GRAPHQL_MAX_BODY: '2048' });
  app.post('/', () => ({}));
  const send = (bytes: number) =>
    app.inject({
      method: 'POST',
      url: '/',
      payload: `"${'x'.repeat(bytes - 2)}"`,
      headers: { 'content-type': 'application/json' },
    });
  t.equal((await send(2048)).statusCode, 200);
  t.equal((await send(2049)).statusCode, 400);
});

t.test('serves an open connection during shutdown with Connection: close', async (t) => {
  const { app } = startTestServer(t);
  app.get('/', () => 'served');
  let answer: unknown;
  app.addHook('preClose', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    answer = [response.status, response.headers.get('connection'), await response.text()];
  });
  const port = await listen(app);
  await app.close();
  t.same(answer, [200, 'close', 'served']);
});

t.test('logs at the configured level', async (t) => {
  t.equal(startTestServer(t, { LOG_LEVEL: 'warn' }).app.log.level, 'warn');
  const silent = createServer(loadConfig({ NODE_ENV: 'test', LOG_LEVEL: 'silent' }));
  t.teardown(() => silent.close());
  t.equal((await silent.inject('/')).statusCode, 404);
});
