// The token check and session read of Latchkey's build for other GraphQL servers, and its HTTP stack (logs, limits, headers,
// metrics), so that the servers differ in GraphQL only.
import { loadConfig } from '../../dist/config/config.js';
import { createPasswordHasher } from '../../dist/crypto/password-hasher.js';
import { createSharedClock } from '../../dist/db/clock.js';
import { openDatabase } from '../../dist/db/open.js';
import { openEvents } from '../../dist/events/open.js';
import { corsPlugin } from '../../dist/fastify/cors.js';
import { standardOutput } from '../../dist/fastify/log-destination.js';
import { createMetrics, metricsPlugin } from '../../dist/fastify/metrics.js';
import { rateLimitPlugin } from '../../dist/fastify/rate-limit.js';
import { cookiePlugin } from '../../dist/fastify/refresh-cookie.js';
import { createServer } from '../../dist/server/http-server.js';
import { createServices } from '../../dist/latchkey.js';
import { bearerToken } from '../../dist/authn/bearer.js';
import { createAccessTokens } from '../../dist/sessions/access-tokens.js';
import { createSigningKeys } from '../../dist/signing-keys/service.js';

const none = { count: () => 0 };

/** `authenticate(credentials)`, as the directives of Latchkey call it, and `server()`, a Fastify instance with the rest of the stack. */
export async function latchkeyCheck() {
  const config = loadConfig();
  const db = await openDatabase(config);
  const clock = await createSharedClock(db);
  const { publicUrl, authSecrets: secrets, jwt } = config;
  const keys = await createSigningKeys({ db, clock, secrets, issuer: publicUrl, ...jwt });
  const accessTokens = createAccessTokens({ keys, clock, issuer: publicUrl, accessTtlMs: jwt.accessTtlMs });
  const hasher = createPasswordHasher(config.argon2);
  const events = openEvents({ db, redis: undefined, ...config.redis, secrets, clock, log: console });
  const { authenticator, breachChecks } = createServices({
    config,
    db,
    clock,
    secrets,
    publicUrl,
    accessTokens,
    strategies: [],
    hasher,
    events,
    mailTransport: { send: async () => undefined, close: () => undefined },
    identities: { providers: new Map(), returnToOrigins: new Set(), plexTokens: undefined },
    log: console,
  });
  return {
    authenticate: authenticator.authenticate,
    async server() {
      const app = createServer(config, { logStream: standardOutput() });
      const principalOf = ({ headers }) => {
        const token = bearerToken(headers.authorization);
        return token === undefined ? undefined : accessTokens.subjectOf(token)?.id;
      };
      await app.register(corsPlugin, { origins: config.corsOrigins, credentialHeaders: authenticator.headers });
      await app.register(rateLimitPlugin, { ...config.rateLimits, principalOf });
      await app.register(metricsPlugin, {
        metrics: createMetrics({ hasher, database: db, events, sockets: none, subscriptions: none, breachChecks }),
      });
      await app.register(cookiePlugin);
      return app;
    },
  };
}

/** The part of the schema that the measured query needs. */
export const typeDefs = /* GraphQL */ `
  type User {
    id: ID!
    email: String!
    username: String!
  }
  type Query {
    me: User!
  }
`;

/** The only resolver: the account of the principal, with `read:profile`. */
export const resolvers = {
  Query: {
    async me(_source, _args, { authenticate, authorization }) {
      const { subject, scopes } = await authenticate({ authorization });
      if (!scopes.has('read:profile')) throw new Error('INSUFFICIENT_PERMISSIONS');
      return subject.user;
    },
  },
};
