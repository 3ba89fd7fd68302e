/** The one place where the parts meet. Read it from the top: data, services, then what a request passes through. */
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createFirstAdministrator } from '../admin/bootstrap.js';
import { choresOf } from '../jobs/jobs.js';
import { clientInfo } from '../lib/client-info.js';
import { systemClock, type Clock } from '../lib/clock.js';
import type { Config } from '../config/config.js';
import { loopbackOrigins, originOf } from '../config/readers.js';
import { createPasswordHasher } from '../crypto/password-hasher.js';
import type { Database } from '../db/database.js';
import { transportWarnings } from '../db/warnings.js';
import { openBus, type Bus } from '../events/bus.js';
import type { Events } from '../events/events.js';
import { createContext } from '../graphql/context.js';
import { graphqlPlugin } from '../graphql/plugin.js';
import { createExecutableSchema } from '../graphql/schema.js';
import { createHub } from '../graphql/ws/hub.js';
import { createSockets } from '../graphql/ws/sockets.js';
import { createDeviceCookies } from '../fastify/device-cookie.js';
import { corsPlugin } from '../fastify/cors.js';
import { graphiql } from './playground.js';
import { createReadiness, healthPlugin } from './health.js';
import { home } from './home.js';
import { jwks } from '../fastify/jwks.js';
import type { LogStream } from '../fastify/logging.js';
import { createMetrics, metricsPlugin, metricsRoute } from '../fastify/metrics.js';
import { pages } from '../pages/routes.js';
import { rateLimitPlugin } from '../fastify/rate-limit.js';
import { cookiePlugin, createRefreshCookies, NO_COOKIE, refreshCookieName } from '../fastify/refresh-cookie.js';
import { refreshTokenCandidates } from '../fastify/refresh-token-candidates.js';
import { createServer } from './http-server.js';
import { openMailTransport } from '../mail/open.js';
import type { MailTransport } from '../mail/transport.js';
import { startMaintenance, type Chore } from '../jobs/scheduler.js';
import { createServices } from '../latchkey.js';
import { bearerToken } from '../authn/bearer.js';
import type { Strategy } from '../authn/strategy.js';
import { createAccessTokens, type AccessTokens } from '../sessions/access-tokens.js';
import { createSigningKeys } from '../signing-keys/service.js';

/** Where the build leaves the playground: in dist/, for src/ and dist/ alike. */
const GRAPHIQL_DIR = fileURLToPath(new URL('../../dist/graphiql', import.meta.url));

export interface AppDependencies {
  /** Open and migrated; the app closes it. */
  readonly db: Database;
  /** AUTH_SECRET: the first is current. */
  readonly secrets: readonly string[];
  readonly clock?: Clock & { synchronise?(): Promise<void> };
  /** Where log lines go; standard output otherwise. */
  readonly logStream?: LogStream;
  /** Further kinds of credentials, asked before the session. */
  readonly strategies?: readonly Strategy[];
  /** What takes mail; the configuration's otherwise. */
  readonly mailTransport?: MailTransport;
}

export interface App {
  readonly server: FastifyInstance;
  /** Serves `/metrics` where METRICS_PORT is set; closed with the server. */
  readonly metricsServer: FastifyInstance | undefined;
  /** From now on `/readyz` says 503. */
  beginDrain(): void;
  /** What instances tell each other. */
  readonly events: Events;
  /** Does now what otherwise is done every now and then, such as sending mail; by name. */
  readonly chores: readonly Chore[];
}

/** Builds the API, ready to listen. @throws ConfigError when the bootstrap administrator cannot be made */
export async function buildApp(config: Config, dependencies: AppDependencies): Promise<App> {
  const { db, clock = systemClock, logStream } = dependencies;
  const server = createServer(config, logStream ? { logStream } : {});
  for (const warning of config.warnings) server.log.warn(warning);
  const bus = openBus({ db, ...config.redis, secrets: dependencies.secrets, clock, log: server.log });
  try {
    return await assemble(config, dependencies, server, bus);
  } catch (error) {
    await bus.close();
    throw error;
  }
}

async function assemble(
  config: Config,
  { db, secrets, clock = systemClock, logStream, mailTransport, strategies = [] }: AppDependencies,
  server: FastifyInstance,
  bus: Bus,
): Promise<App> {
  const { events, redis } = bus;
  const publicUrl = config.publicUrl ?? originOf(config.host, config.port)!;
  const { algorithm, secretKey, accessTtlMs } = config.jwt;
  const keys = await createSigningKeys({ db, clock, secrets, issuer: publicUrl, algorithm, secretKey, accessTtlMs });
  const accessTokens = createAccessTokens({ keys, clock, issuer: publicUrl, accessTtlMs });
  const hasher = createPasswordHasher(config.argon2);
  const services = createServices({
    config,
    db,
    clock,
    events,
    secrets,
    publicUrl,
    accessTokens,
    strategies,
    hasher,
    mailTransport: mailTransport ?? openMailTransport(config, server.log, logStream),
    log: server.log,
  });
  const { audit, passwords, scopes, authenticator, feed } = services;
  const { bootstrapAdmin } = config.accounts;
  if (bootstrapAdmin) {
    const [email, password] = bootstrapAdmin;
    await createFirstAdministrator({ db, clock, audit, hasher, passwords, email, password, log: server.log });
  }

  const sockets = createSockets(config.sockets);
  const hub = createHub({
    ...config.sockets,
    authenticate: authenticator.authenticate,
    events,
    clock,
    log: server.log,
  });
  const metrics = createMetrics({
    hasher,
    database: db,
    events,
    sockets,
    subscriptions: feed,
    breachChecks: services.breachChecks,
  });
  const origins = [new URL(publicUrl).origin, ...loopbackOrigins(config), ...config.corsOrigins];
  const cookieName = refreshCookieName(config.production, new URL(publicUrl).pathname);
  const refreshCookie = createRefreshCookies({
    production: config.production,
    path: new URL(publicUrl).pathname,
    origins,
  });
  const deviceCookie = createDeviceCookies({ production: config.production, origins });
  const graphqlServices = { ...services, countLogin: (outcome: string) => metrics.logins.inc(outcome) };
  const readiness = createReadiness({ isReady: () => db.ping().then(() => true) });
  await server.register(corsPlugin, { origins: config.corsOrigins });
  await server.register(rateLimitPlugin, {
    ...config.rateLimits,
    principalOf: principalOf(accessTokens),
    sessionOf: (request) => services.sessions.countedBy(refreshTokenCandidates(request, cookieName)),
    shared: redis && { redis, prefix: config.redis.prefix },
  });
  await server.register(metricsPlugin, { metrics });
  const metricsServer =
    config.metrics.port === undefined ? undefined : createServer(config, logStream ? { logStream } : {});
  metricsRoute(metricsServer ?? server, metrics, config.metrics.token);
  await server.register(healthPlugin, { readiness });
  await server.register(jwks, { keys: () => keys.published() });
  await server.register(cookiePlugin);
  await server.register(home, {
    appName: config.appName,
    minimal: config.production,
    graphiql: config.graphiql,
    publicUrl,
  });
  const pagesUrl = config.mail.appUrl ?? publicUrl;
  await server.register(pages, {
    appName: config.appName,
    pagesUrl,
    origins: [publicUrl, pagesUrl].map((url) => new URL(url).origin),
    outcomeOf: (token) => services.tokens.outcomeOf(db.executor, token),
    rejectEmail: (token, client) => services.verification.reject(token, client),
    cancelChange: (token, client) => services.changes.cancel(token, client),
    minPasswordLength: config.passwords.minLength,
    resetPassword: (reset, client) => services.recovery.resetOnly(reset, client),
    verifyEmail: async (token, client) => void (await services.verification.verify(token, client)),
  });
  if (config.graphiql) await server.register(graphiql, { assetsDir: GRAPHIQL_DIR });
  await server.register(graphqlPlugin, {
    schema: createExecutableSchema({ knownScopes: scopes.all, rates: config.rateLimits.fields }),
    limits: config.graphql,
    introspection: config.introspection,
    suggestions: config.introspection,
    charge: (request, requests) => server.chargeRequest(request, requests),
    live: {
      origins,
      sockets,
      hub,
      charge: (upgrade, userId, requests) => server.chargePrincipal(upgrade, userId, requests),
      credentialsOf: authenticator.fromConnectionParams,
      createContext: (client, credentials, onDemand) =>
        createContext({
          services: graphqlServices,
          authenticate: () => authenticator.authenticate(credentials),
          clock,
          client,
          cookie: NO_COOKIE,
          onDemand,
        }),
    },
    createContext: (request, reply) =>
      createContext({
        services: graphqlServices,
        authenticate: () => authenticator.authenticate(authenticator.fromHeaders(request.headers)),
        clock,
        client: clientInfo(request.ip, request.headers['user-agent']),
        cookie: refreshCookie(request, reply),
        device: deviceCookie(request, reply),
      }),
  });
  if (config.production) {
    const urls = { DATABASE_URL: config.databaseUrl, DATABASE_LISTEN_URL: config.databaseListenUrl };
    for (const warning of transportWarnings(urls)) server.log.warn(warning);
  }
  const synchroniseClock = clock.synchronise && (() => clock.synchronise!());
  const chores = choresOf({ db, keys, services, ...(synchroniseClock ? { synchroniseClock } : {}) });
  const stopMaintenance = startMaintenance(chores, server.log);
  server.addHook('onClose', async () => {
    await metricsServer?.close();
    hub.close();
    feed.close();
    await stopMaintenance();
    await services.sender.close();
    await services.uses.flush().catch((err: unknown) => server.log.warn({ err }, 'uses of sessions were not noted'));
    await bus.close();
    await db.close();
  });
  return {
    server,
    metricsServer,
    beginDrain() {
      readiness.beginDrain();
      server.beginDrain();
      // In the middle of the time for closing: requests that still wait for the database then fail, and the rest is closed.
      setTimeout(() => db.abort(), config.shutdownDelayMs + config.shutdownTimeoutMs / 2).unref();
    },
    events,
    chores,
  };
}

/** Whom a request's token names, by signature alone: for counting requests, not for letting them in. */
function principalOf({ subjectOf }: Pick<AccessTokens, 'subjectOf'>) {
  return ({ headers }: FastifyRequest): string | undefined => {
    const token = bearerToken(headers.authorization);
    return token === undefined ? undefined : subjectOf(token);
  };
}
