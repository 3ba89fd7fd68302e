/** The one place where the parts meet. Read it from the top: data, services, then what a request passes through. */
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { createLogin } from './accounts/login.js';
import { createProfile } from './accounts/profile.js';
import { createRegistration } from './accounts/registration.js';
import { createAccountRepository } from './accounts/repository.js';
import { createAudit } from './audit/audit.js';
import { createScopeCatalogue } from './authz/scopes.js';
import { clientInfo } from './client-info.js';
import { systemClock, type Clock } from './clock.js';
import type { Config } from './config.js';
import { createPasswordHasher } from './crypto/password-hasher.js';
import { createRefreshTokens } from './crypto/refresh-token.js';
import type { Database } from './db/database.js';
import { createContext } from './graphql/context.js';
import { graphqlPlugin } from './graphql/plugin.js';
import { createExecutableSchema } from './graphql/schema.js';
import type { Services } from './graphql/services.js';
import { clientNetwork } from './http/client-address.js';
import { corsPlugin } from './http/cors.js';
import { graphiql } from './http/graphiql.js';
import { createReadiness, healthPlugin } from './http/health.js';
import { jwks } from './http/jwks.js';
import type { LogStream } from './http/logging.js';
import { createMetrics, metricsPlugin } from './http/metrics.js';
import { rateLimitPlugin } from './http/rate-limit.js';
import { securityHeadersPlugin } from './http/security-headers.js';
import { createServer } from './http/server.js';
import { startMaintenance } from './maintenance.js';
import { createPasswordPolicy } from './passwords/policy.js';
import { createRateLimits } from './rate-limits/service.js';
import { bearerToken, createAuthenticator } from './sessions/authenticator.js';
import { createLivenessReader } from './sessions/liveness.js';
import { prepareLivenessRead } from './sessions/repository.js';
import { createSessions } from './sessions/service.js';
import { createAccessTokens, type AccessTokens } from './tokens/access-tokens.js';
import { createSigningKeys } from './tokens/signing-keys.js';

/** Mutations that prove or renew credentials: one a document, so that a document is one attempt. */
const CREDENTIAL_FIELDS = new Set(['register', 'login', 'refresh']);

/** Where the build leaves the playground: in dist/, for src/ and dist/ alike. */
const GRAPHIQL_DIR = fileURLToPath(new URL('../dist/graphiql', import.meta.url));

export interface AppDependencies {
  /** Open and migrated; the app closes it. */
  readonly db: Database;
  /** AUTH_SECRET: the first is current. */
  readonly secrets: readonly string[];
  readonly clock?: Clock;
  /** Where log lines go; standard output otherwise. */
  readonly logStream?: LogStream;
}

export interface App {
  readonly server: FastifyInstance;
  /** From now on `/readyz` says 503. */
  beginDrain(): void;
}

/** Builds the API, ready to listen. */
export async function buildApp(
  config: Config,
  { db, secrets, clock = systemClock, logStream }: AppDependencies,
): Promise<App> {
  const issuer = config.publicUrl ?? `http://${config.host}:${config.port}`;
  const scopes = createScopeCatalogue(config.scopes);
  const keys = await createSigningKeys({
    db,
    clock,
    secrets,
    issuer,
    algorithm: config.jwt.algorithm,
    secretKey: config.jwt.secretKey,
    accessTtlMs: config.jwt.accessTtlMs,
  });
  const accessTokens = createAccessTokens({ keys, clock, issuer, accessTtlMs: config.jwt.accessTtlMs });
  const hasher = createPasswordHasher(config.argon2);
  const passwords = createPasswordPolicy(config.passwords);
  const metrics = createMetrics({ hasher, database: db });

  const audit = createAudit({ clock });
  const rateLimits = createRateLimits({ db, clock });
  const sessions = createSessions({
    db,
    clock,
    audit,
    refreshTokens: createRefreshTokens(secrets),
    lifetimes: config.sessions,
  });
  const services: Services = {
    register: createRegistration({ db, clock, audit, sessions, hasher, passwords }),
    login: createLogin({ db, clock, sessions, hasher, passwords }),
    updateProfile: createProfile({ db, clock, audit }),
    sessions,
    accessTokens,
    scopes,
    rateLimits,
    countLogin: (outcome) => metrics.logins.inc(outcome),
  };
  const authenticate = createAuthenticator({
    accessTokens,
    readSession: createLivenessReader(prepareLivenessRead(db.executor)),
    accountExists: (id) => createAccountRepository(db.executor).exists(id),
    scopes,
    clock,
  });

  const readiness = createReadiness({ isReady: () => db.ping().then(() => true) });
  const server = createServer(config, logStream ? { logStream } : {});
  await server.register(securityHeadersPlugin, { config });
  await server.register(corsPlugin, { origins: config.corsOrigins });
  await server.register(rateLimitPlugin, { ...config.rateLimits, principalOf: principalOf(accessTokens) });
  await server.register(metricsPlugin, { metrics });
  await server.register(healthPlugin, { readiness });
  await server.register(jwks, { keys: () => keys.published() });
  if (config.graphiql) await server.register(graphiql, { assetsDir: GRAPHIQL_DIR, endpoint: '/graphql' });
  await server.register(graphqlPlugin, {
    schema: createExecutableSchema({ knownScopes: scopes.all, rates: config.rateLimits.fields }),
    limits: config.graphql,
    introspection: config.introspection,
    suggestions: config.introspection,
    credentialFields: CREDENTIAL_FIELDS,
    createContext: (request) =>
      createContext({
        services,
        authenticate,
        client: clientInfo(request.ip, request.headers['user-agent']),
        network: clientNetwork(request.ip),
        authorization: request.headers.authorization,
      }),
  });
  const stopMaintenance = startMaintenance({ keys, rateLimits, log: server.log });
  server.addHook('onClose', async () => {
    stopMaintenance();
    await db.close();
  });
  return { server, beginDrain: () => readiness.beginDrain() };
}

/** Whom a request's token names, by signature alone: for counting requests, not for letting them in. */
function principalOf({ subjectOf }: Pick<AccessTokens, 'subjectOf'>) {
  return ({ headers }: FastifyRequest): string | undefined => {
    const token = bearerToken(headers.authorization);
    return token === undefined ? undefined : subjectOf(token);
  };
}
