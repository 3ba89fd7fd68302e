/**
 * `/metrics` in the Prometheus text format, on the API's port or a separate one, optionally behind a bearer token. Every label
 * has a closed set of values. Scraping resets nothing, so several scrapers see the same values.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { AppError, STATUS_BY_CODE } from '../lib/errors.js';
import { createEventLoopLag, type EventLoopLag } from './event-loop-lag.js';
import { finalStatus } from './logging.js';

export interface MetricsSources {
  readonly hasher: { stats(): { readonly running: number; readonly waiting: number } };
  readonly database: { stats(): { readonly inUse: number; readonly waiting: number } };
  readonly events: { connected(): boolean; rejected(): number };
  readonly sockets: { count(): number };
  /** Checks for breached passwords by outcome, since the start. */
  readonly breachChecks: Readonly<Record<string, number>>;
  readonly subscriptions: { stats(): { readonly open: number; readonly total: number } };
}

/** A completed request. */
export interface ObservedRequest {
  readonly method: string;
  /** The route pattern; undefined without a route. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** Logins by outcome: `success`, or the error code in lower case. Other values count as `other`. */
  readonly logins: { inc(outcome: string): void };
  /** Requests to the token endpoint by grant type, and by outcome: `success`, or the error code. */
  readonly tokenRequests: { inc(grantType: string, outcome: string): void };
  /** Failed authentication of OAuth clients by the path of the endpoint. */
  readonly clientFailures: { inc(endpoint: string): void };
  observe(request: ObservedRequest): void;
  /** Stops measuring the event loop. */
  close(): void;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);
const LOGIN_OUTCOMES = new Set(['success', ...Object.keys(STATUS_BY_CODE).map((code) => code.toLowerCase())]);
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LABELS = ['method', 'route', 'status'] as const;
const SWITCHING_PROTOCOLS = 101;

/** Creates the metrics of one app, in a separate registry. @param lag closed by `close` */
export function createMetrics(
  { hasher, database, events, sockets, subscriptions, breachChecks }: MetricsSources,
  lag: EventLoopLag = createEventLoopLag(),
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: 'http_requests_total', help: 'HTTP requests.', labelNames: LABELS, registers });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of HTTP requests in seconds.',
    labelNames: LABELS,
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  const logins = new Counter({
    name: 'latchkey_logins_total',
    help: 'Logins by outcome.',
    labelNames: ['outcome'],
    registers,
  });

  const tokenRequests = new Counter({
    name: 'latchkey_oauth_token_requests_total',
    help: 'Requests to the OAuth token endpoint by grant type and outcome.',
    labelNames: ['grant_type', 'outcome'],
    registers,
  });
  const clientFailures = new Counter({
    name: 'latchkey_oauth_client_authentication_failures_total',
    help: 'Failed authentication of OAuth clients by endpoint.',
    labelNames: ['endpoint'],
    registers,
  });

  /** Registers a gauge whose value is read at each scrape. */
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('latchkey_password_hashes_running', 'Password hashes being computed.', () => hasher.stats().running);
  gauge('latchkey_password_hashes_waiting', 'Password hashes waiting in the queue.', () => hasher.stats().waiting);
  gauge('latchkey_database_connections_in_use', 'Database connections in use.', () => database.stats().inUse);
  gauge(
    'latchkey_database_connections_open',
    'Deprecated, will be removed in the next release: use latchkey_database_connections_in_use.',
    () => database.stats().inUse,
  );
  gauge(
    'latchkey_database_connections_waiting',
    'Callers waiting for a database connection.',
    () => database.stats().waiting,
  );

  gauge('latchkey_events_connected', 'Whether the connection for events of other instances is up: 1 or 0.', () =>
    Number(events.connected()),
  );

  gauge('latchkey_sockets_open', 'Open WebSockets.', () => sockets.count());
  gauge('latchkey_subscriptions_open', 'Open subscriptions.', () => subscriptions.stats().open);
  /** Registers a counter whose value another module keeps. */
  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  counter('latchkey_subscriptions_total', 'Subscriptions opened.', () => subscriptions.stats().total);
  counter('latchkey_events_rejected_total', 'Redis messages ignored because this deployment did not sign them.', () =>
    events.rejected(),
  );

  new Counter({
    name: 'latchkey_breached_password_checks_total',
    help: 'Checks for breached passwords by outcome; unavailable means the password was accepted unchecked.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(breachChecks)) this.inc({ outcome }, count);
    },
  });

  // Not prom-client's default metrics, whose observers cannot be removed.
  gauge('nodejs_eventloop_lag_p99_seconds', '99th percentile of the event loop delay within the last minute.', () =>
    lag.p99(),
  );
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge('process_uptime_seconds', 'Time since the process started.', () => process.uptime());

  return {
    registry,
    logins: {
      inc(outcome) {
        logins.inc({ outcome: LOGIN_OUTCOMES.has(outcome) ? outcome : 'other' });
      },
    },
    tokenRequests: {
      inc(grantType, outcome) {
        tokenRequests.inc({ grant_type: grantType, outcome });
      },
    },
    clientFailures: {
      inc(endpoint) {
        clientFailures.inc({ endpoint });
      },
    },
    observe({ method, route, status, seconds }) {
      const labels = {
        method: METHODS.has(method) ? method : 'OTHER',
        route: route ?? 'none',
        status: `${Math.trunc(status / 100)}xx`,
      };
      requests.inc(labels);
      // The lifetime of a WebSocket is no request duration.
      if (status !== SWITCHING_PROTOCOLS) durations.observe(labels, seconds);
    },
    close() {
      lag.close();
    },
  };
}

/** Observes every request to the server. */
export const metricsPlugin = fp<{ readonly metrics: Metrics }>(
  (app, { metrics }, done) => {
    app.onReplyClosed((reply) => metrics.observe(observed(reply)));
    app.addHook('onClose', (_app, next) => {
      metrics.close();
      next();
    });
    done();
  },
  { name: 'metrics', fastify: '5.x', dependencies: ['open-replies'] },
);

/**
 * Serves `GET /metrics` without a rate limit.
 * @param token required as `Authorization: Bearer …`; undefined makes the route public
 */
export function metricsRoute(app: FastifyInstance, { registry }: Metrics, token: string | undefined): void {
  app.get('/metrics', { config: { rateLimit: false } }, async (request, reply) => {
    if (token !== undefined) {
      const { authorization } = request.headers;
      void reply.header('www-authenticate', 'Bearer');
      if (authorization === undefined) throw new AppError('MISSING_TOKEN', 'Send METRICS_TOKEN as a bearer token.');
      if (!isBearer(authorization, token))
        throw new AppError('INVALID_TOKEN', 'The bearer token does not match METRICS_TOKEN.');
      void reply.removeHeader('www-authenticate');
    }
    void reply.type(registry.contentType);
    return registry.metrics();
  });
}

/** Compares digests, because `timingSafeEqual` requires equal lengths. */
function isBearer(authorization: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization.replace(/^bearer /i, '')), digest(token));
}

function observed(reply: FastifyReply): ObservedRequest {
  const { request } = reply;
  return {
    method: request.method,
    route: request.routeOptions.url,
    status: finalStatus(reply),
    seconds: reply.elapsedTime / 1000,
  };
}
