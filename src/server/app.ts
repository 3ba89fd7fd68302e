/** The standalone server: the API with metrics, probes, the home page and a graceful shutdown. */
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import { openParts, type PartsDependencies } from '../api/parts.js';
import { apiRoutes, type RoutesOptions } from '../api/routes.js';
import type { Config } from '../config/config.js';
import type { Events } from '../events/events.js';
import { createMetrics, metricsPlugin, metricsRoute } from '../fastify/metrics.js';
import { webSocketUpgrades } from '../fastify/upgrades.js';
import { createExecutableSchema } from '../graphql/schema.js';
import type { Job } from '../jobs/scheduler.js';
import { createReadiness, healthPlugin } from './health.js';
import { home } from './home.js';
import { createServer } from './http-server.js';

/** Log lines go to `logStream`; default standard output. The app closes the database. */
export type AppDependencies = Omit<PartsDependencies, 'log'>;

export interface App {
  readonly server: FastifyInstance;
  /** Serves `/metrics` if METRICS_PORT is set; closed with the server. */
  readonly metricsServer: FastifyInstance | undefined;
  /** Makes `/readyz` answer 503, and responses close their connections. */
  beginDrain(): void;
  /** Events of all instances. */
  readonly events: Events;
  /** The periodic jobs, such as sending mail, for tests that run one at once. */
  readonly jobs: readonly Job[];
}

/** Builds the server, ready to listen. @throws ConfigError if the bootstrap administrator cannot be created */
export async function buildApp(config: Config, dependencies: AppDependencies): Promise<App> {
  const { db, logStream } = dependencies;
  const overrides = logStream ? { logStream } : {};
  const server = createServer(config, overrides);
  const parts = await openParts(config, { ...dependencies, log: server.log });
  const { bus, services, publicUrl } = parts;
  const metrics = createMetrics({
    ...parts,
    database: db,
    events: bus.events,
    subscriptions: services.feed,
    breachChecks: services.breachChecks,
  });
  const metricsServer = config.metrics.port === undefined ? undefined : createServer(config, overrides);
  const readiness = createReadiness({ isReady: () => db.ping().then(() => true) });
  server.addHook('onClose', async () => {
    await metricsServer?.close();
    await parts.close();
    await db.close();
  });

  // fastify-plugin marks the function that it gets, and an embedded API in this process needs the unmarked one.
  await server.register(
    fp((app: FastifyInstance, options: RoutesOptions) => apiRoutes(app, options)),
    {
      parts,
      schema: createExecutableSchema({ knownScopes: services.scopes.all, rates: config.rateLimits.fields }),
      upgrades: webSocketUpgrades(server.server, server.connections),
      countLogin: (outcome) => metrics.logins.inc(outcome),
      countTokenRequest: (grantType, outcome) => metrics.tokenRequests.inc(grantType, outcome),
      countClientFailure: (endpoint) => metrics.clientFailures.inc(endpoint),
    },
  );
  await server.register(metricsPlugin, { metrics });
  metricsRoute(metricsServer ?? server, metrics, config.metrics.token);
  await server.register(healthPlugin, { readiness });
  await server.register(home, {
    appName: config.appName,
    minimal: config.production,
    graphiql: config.graphiql,
    publicUrl,
  });
  parts.startJobs();
  return {
    server,
    metricsServer,
    beginDrain() {
      readiness.beginDrain();
      server.beginDrain();
      // Halfway through the shutdown timeout, requests that wait for the database fail, so that the rest can close in time.
      setTimeout(() => db.abort(), config.shutdownDelayMs + config.shutdownTimeoutMs / 2).unref();
    },
    events: bus.events,
    jobs: parts.jobs,
  };
}
