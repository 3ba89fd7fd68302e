import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { createMetrics, metricsPlugin } from '../../src/http/metrics.js';
import { listen, startTestServer } from '../helpers/server.js';

const SOURCES = {
  hasher: { stats: () => ({ running: 3, waiting: 5 }) },
  database: { stats: () => ({ open: 7, waiting: 11 }) },
  events: { connected: () => true },
  sockets: { count: () => 13 },
  breachChecks: { found: 2, unavailable: 1 },
  subscriptions: { stats: () => ({ open: 17, total: 19 }) },
};

async function server(t: Parameters<typeof startTestServer>[0]) {
  const started = startTestServer(t);
  const metrics = createMetrics(SOURCES);
  await started.app.register(metricsPlugin, { metrics });
  return { ...started, metrics };
}

t.test('the metrics are served in Prometheus text, with what the parts tell at that moment', async (t) => {
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
    'latchkey_database_connections_open 7',
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

t.test('requests count by pattern, method and class of status; what a client makes up is no label', async (t) => {
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

t.test('a request that is given up counts, a connection that outlives its request has no duration', async (t) => {
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

t.test('each app has a registry of its own', async (t) => {
  const [one, other] = [await server(t), await server(t)];
  await one.app.inject('/nowhere');
  t.notMatch((await other.app.inject('/metrics')).payload, 'http_requests_total{');
});
