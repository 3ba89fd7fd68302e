import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { createEventLoopLag } from '../../src/fastify/event-loop-lag.js';
import { createMetrics, metricsPlugin, metricsRoute } from '../../src/fastify/metrics.js';
import { startTestApp } from '../helpers/app.js';
import { listen, startTestServer } from '../helpers/server.js';

const SOURCES = {
  hasher: { stats: () => ({ running: 3, waiting: 5 }) },
  database: { stats: () => ({ inUse: 7, waiting: 11 }) },
  events: { connected: () => true, rejected: () => 23 },
  sockets: { count: () => 13 },
  breachChecks: { found: 2, unavailable: 1 },
  subscriptions: { stats: () => ({ open: 17, total: 19 }) },
};

async function server(t: Parameters<typeof startTestServer>[0], token?: string) {
  const started = startTestServer(t);
  const metrics = createMetrics(SOURCES);
  await started.app.register(metricsPlugin, { metrics });
  metricsRoute(started.app, metrics, token);
  return { ...started, metrics };
}

t.test('serves metrics in the Prometheus text format with the current values of the sources', async (t) => {
  const { app, metrics } = await server(t);
  metrics.logins.inc('success');
  metrics.logins.inc('invalid_credentials');
  metrics.logins.inc('hunter2');
  metrics.logins.inc('made up');
  const { headers, payload } = await app.inject('/metrics');
  t.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
  for (const line of [
    'latchkey_password_hashes_running 3',
    'latchkey_password_hashes_waiting 5',
    'latchkey_database_connections_in_use 7',
    'latchkey_database_connections_open 7',
    'latchkey_events_rejected_total 23',
    'latchkey_database_connections_waiting 11',
    'latchkey_events_connected 1',
    'latchkey_logins_total{outcome="success"} 1',
    'latchkey_breached_password_checks_total{outcome="found"} 2',
    'latchkey_logins_total{outcome="invalid_credentials"} 1',
    'latchkey_logins_total{outcome="other"} 2',
  ]) {
    t.ok(payload.includes(`${line}\n`), line);
  }
  t.match(payload, /nodejs_eventloop_lag_p99_seconds \d/);
  t.match(payload, /process_resident_memory_bytes \d/);
  t.notMatch(payload, 'hunter2');
});

t.test('counts requests by route pattern, method and status class, and uses no client input as a label', async (t) => {
  const { app } = await server(t);
  app.get('/things/:id', () => ({}));
  app.post('/fail', () => {
    throw new Error('x');
  });
  await app.inject('/things/1');
  await app.inject('/things/2');
  await app.inject({ method: 'POST', url: '/fail' });
  await app.inject('/nowhere/hunter2');
  await app.inject({ method: 'DELETE', url: '/nowhere/hunter2' });
  const { payload } = await app.inject('/metrics');
  for (const line of [
    'http_requests_total{method="GET",route="/things/:id",status="2xx"} 2',
    'http_requests_total{method="POST",route="/fail",status="5xx"} 1',
    'http_requests_total{method="GET",route="none",status="4xx"} 1',
    'http_requests_total{method="OTHER",route="none",status="4xx"} 1',
    'http_request_duration_seconds_count{method="GET",route="/things/:id",status="2xx"} 2',
    'http_request_duration_seconds_bucket{le="10",method="GET",route="/things/:id",status="2xx"} 2',
  ]) {
    t.ok(payload.includes(`${line}\n`), line);
  }
  t.notMatch(payload, 'hunter2');
});

t.test('counts an aborted request, and observes no duration for a hijacked connection', async (t) => {
  const { app, metrics, logged } = await server(t);
  const arrivals = new EventEmitter();
  app.get('/socket', (_request, reply) => {
    reply.hijack();
    arrivals.emit('arrived');
  });
  app.get('/slow', (_request, reply) => {
    arrivals.emit('arrived');
    return reply;
  });
  const port = await listen(app);
  for (const path of ['/socket', '/slow']) {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
    await once(arrivals, 'arrived');
    const over = once(logged, 'line');
    socket.destroy();
    await over;
  }
  const text = await metrics.registry.metrics();
  t.match(text, 'http_requests_total{method="GET",route="/socket",status="1xx"} 1');
  t.notMatch(text, 'http_request_duration_seconds_count{method="GET",route="/socket"');
  t.match(text, 'http_request_duration_seconds_count{method="GET",route="/slow",status="4xx"} 1');
});

t.test('creates a separate registry for each app', async (t) => {
  const [one, other] = [await server(t), await server(t)];
  await one.app.inject('/nowhere');
  t.notMatch((await other.app.inject('/metrics')).payload, 'http_requests_total{');
});

t.test('requires the exact METRICS_TOKEN', async (t) => {
  const { app } = await server(t, 'a metrics token of more than 32 bytes');
  const get = (authorization?: string) =>
    app.inject({ url: '/metrics', headers: authorization ? { authorization } : {} });
  const none = await get();
  t.match(none, { statusCode: 401, headers: { 'www-authenticate': 'Bearer' } });
  t.equal(none.json().errors[0].extensions.code, 'MISSING_TOKEN');
  for (const wrong of [
    'Bearer a metrics token',
    'Bearer ',
    'Basic YTpi',
    'Bearer a metrics token of more than 32 bytes!',
  ]) {
    const refused = await get(wrong);
    t.equal(refused.statusCode, 401, wrong);
    t.equal(refused.json().errors[0].extensions.code, 'INVALID_TOKEN');
    t.notMatch(refused.payload, 'latchkey_');
  }
  const right = await get('Bearer a metrics token of more than 32 bytes');
  t.match(right, { statusCode: 200, headers: { 'www-authenticate': undefined } });
  t.match(right.payload, 'latchkey_logins_total');
});

t.test('reports the same event loop delay to every scraper', async (t) => {
  let delayNs = 0;
  let turn: () => void = () => undefined;
  const calls: string[] = [];
  const histogram = {
    enable: () => true,
    disable: () => (calls.push('disable'), true),
    reset: () => void (delayNs = 0),
    percentile: () => delayNs,
  };
  const lag = createEventLoopLag(histogram, (each) => ((turn = each), () => void calls.push('stop')));
  delayNs = 5e9;
  t.equal(lag.p99(), 5);
  t.equal(lag.p99(), 5, 'a read resets nothing');
  turn();
  t.equal(lag.p99(), 5, 'the previous window still counts');
  delayNs = 2e9;
  turn();
  t.equal(lag.p99(), 2, 'the window before that does not');
  lag.close();
  t.same(calls, ['stop', 'disable']);
});

t.test('serves metrics on METRICS_PORT if it is set', async (t) => {
  const app = await startTestApp(t, { METRICS_PORT: '0' });
  t.equal((await app.server.inject('/metrics')).statusCode, 404);
  t.match((await app.metricsServer!.inject('/metrics')).payload, 'http_requests_total');
  t.equal((await app.metricsServer!.inject('/graphql')).statusCode, 404);
  const usual = await startTestApp(t);
  t.equal(usual.metricsServer, undefined);
  t.equal((await usual.server.inject('/metrics')).statusCode, 200);
});
