/**
 * `/metrics` in Prometheus' text format. It is on the same port as the API and asks for no credentials: it tells
 * volumes, not data, but a reverse proxy should not expose it. Every label has a closed set of values.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { STATUS_BY_CODE } from '../errors.js';
import { finalStatus } from './logging.js';

export interface MetricsSources {
  readonly hasher: { stats(): { readonly running: number; readonly waiting: number } };
  readonly database: { stats(): { readonly open: number; readonly waiting: number } };
  readonly events: { connected(): boolean };
  readonly sockets: { count(): number };
  /** Look-ups of breached passwords by outcome, since the start. */
  readonly breachChecks: Readonly<Record<string, number>>;
  readonly subscriptions: { stats(): { readonly open: number; readonly total: number } };
}

/** A request that is over. */
export interface ObservedRequest {
  readonly method: string;
  /** The route's pattern; undefined where there was none. */
  readonly route: string | undefined;
  readonly status: number;
  readonly seconds: number;
}

export interface Metrics {
  readonly registry: Registry;
  /** Logins by outcome: `success`, or the code of the refusal in lower case. Anything else counts as `other`. */
  readonly logins: { inc(outcome: string): void };
  observe(request: ObservedRequest): void;
  /** Stops measuring the event loop. */
  close(): void;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);
const LOGIN_OUTCOMES = new Set(['success', ...Object.keys(STATUS_BY_CODE).map((code) => code.toLowerCase())]);
const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const EVENT_LOOP_RESOLUTION_MS = 20;
const LABELS = ['method', 'route', 'status'] as const;
const SWITCHING_PROTOCOLS = 101;

/** Metrics of one app, in a registry of its own. */
export function createMetrics({
  hasher,
  database,
  events,
  sockets,
  subscriptions,
  breachChecks,
}: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({ name: 'http_requests_total', help: 'HTTP requests.', labelNames: LABELS, registers });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'How long HTTP requests took.',
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

  /** A gauge that is read when it is asked for. */
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
  gauge('latchkey_password_hashes_waiting', 'Password hashes waiting for their turn.', () => hasher.stats().waiting);
  gauge('latchkey_database_connections_open', 'Database connections in use.', () => database.stats().open);
  gauge(
    'latchkey_database_connections_waiting',
    'Callers waiting for a database connection.',
    () => database.stats().waiting,
  );

  gauge('latchkey_events_connected', 'Whether events of other instances arrive: 1 or 0.', () =>
    Number(events.connected()),
  );

  gauge('latchkey_sockets_open', 'Open WebSockets.', () => sockets.count());
  gauge('latchkey_subscriptions_open', 'Open subscriptions.', () => subscriptions.stats().open);
  new Counter({
    name: 'latchkey_subscriptions_total',
    help: 'Subscriptions that were opened.',
    registers,
    collect() {
      this.reset();
      this.inc(subscriptions.stats().total);
    },
  });

  new Counter({
    name: 'latchkey_breached_password_checks_total',
    help: 'Look-ups of breached passwords by outcome; unavailable ones accepted the password.',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(breachChecks)) this.inc({ outcome }, count);
    },
  });

  // By hand, as prom-client's default metrics keep their observers for the life of the process.
  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  delay.enable();
  gauge('nodejs_eventloop_lag_p99_seconds', 'Event loop delay since the last scrape, 99th percentile.', () => {
    const nanoseconds = delay.percentile(99);
    delay.reset();
    return nanoseconds / 1e9;
  });
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge('process_uptime_seconds', 'How long the process has been running.', () => process.uptime());

  return {
    registry,
    logins: {
      inc(outcome) {
        logins.inc({ outcome: LOGIN_OUTCOMES.has(outcome) ? outcome : 'other' });
      },
    },
    observe({ method, route, status, seconds }) {
      const labels = {
        method: METHODS.has(method) ? method : 'OTHER',
        route: route ?? 'none',
        status: `${Math.trunc(status / 100)}xx`,
      };
      requests.inc(labels);
      // A WebSocket lasts as long as it likes.
      if (status !== SWITCHING_PROTOCOLS) durations.observe(labels, seconds);
    },
    close() {
      delay.disable();
    },
  };
}

/** Observes every request, and serves `GET /metrics`, which does not count towards a rate limit. */
export const metricsPlugin = fp<{ readonly metrics: Metrics }>(
  (app, { metrics }, done) => {
    app.addHook('onRequest', (request, reply, next) => {
      // Not onResponse: it does not come when the client hangs up.
      reply.raw.on('close', () => {
        metrics.observe(observed(request, reply));
      });
      next();
    });
    app.addHook('onClose', (_app, next) => {
      metrics.close();
      next();
    });
    app.get('/metrics', { config: { rateLimit: false } }, async (_request, reply) => {
      void reply.type(metrics.registry.contentType);
      return metrics.registry.metrics();
    });
    done();
  },
  { name: 'metrics', fastify: '5.x' },
);

function observed(request: FastifyRequest, reply: FastifyReply): ObservedRequest {
  return {
    method: request.method,
    route: request.routeOptions.url,
    status: finalStatus(reply),
    seconds: reply.elapsedTime / 1000,
  };
}
