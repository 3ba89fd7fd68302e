/**
 * The routes of the API: GraphQL, mailed pages, public keys and the playground, with the plugins in the order in which they handle
 * a request. The instance must come from `createInstance`.
 */
import { fileURLToPath } from 'node:url';
import type { Server } from 'node:http';
import type { FastifyPluginAsync } from 'fastify';
import { createCredentialStates } from '../authn/credential-states.js';
import { loopbackOrigins } from '../config/readers.js';
import { createRequestPrincipals } from '../fastify/request-principals.js';
import { corsPlugin } from '../fastify/cors.js';
import { createChallengeCookies } from '../fastify/challenge-cookie.js';
import { createDeviceCookies } from '../fastify/device-cookie.js';
import { jwks } from '../fastify/jwks.js';
import { rateLimitPlugin } from '../fastify/rate-limit.js';
import { cookiePlugin, createRefreshCookies, NO_COOKIE, refreshCookieName } from '../fastify/refresh-cookie.js';
import { refreshTokenCandidates } from '../fastify/refresh-token-candidates.js';
import { createContext } from '../graphql/context.js';
import { graphqlPlugin } from '../graphql/plugin.js';
import { createFieldCharges } from '../graphql/directives/limits.js';
import type { createExecutableSchema } from '../graphql/schema.js';
import { clientOf } from '../fastify/client.js';
import { graphiql } from '../pages/playground.js';
import { identityPages } from '../pages/identities/plugin.js';
import { createOAuthCookies } from '../pages/oauth/cookies.js';
import { createOAuthPaths, oauthPages } from '../pages/oauth/plugin.js';
import { createBrowserSignIn } from '../pages/oauth/sign-in.js';
import { pages } from '../pages/routes.js';
import { createPageSignIn } from '../pages/sign-in.js';
import { oauthEndpoints } from '../rest/oauth/plugin.js';
import { registrationEndpoint } from '../rest/oauth/register.js';
import type { Parts } from './parts.js';

/** The build output of the playground, for code in src/ and in dist/. */
const GRAPHIQL_DIR = fileURLToPath(new URL('../../dist/graphiql', import.meta.url));

export interface RoutesOptions {
  readonly parts: Parts;
  readonly schema: ReturnType<typeof createExecutableSchema>;
  /** Emits `upgrade` for each WebSocket handshake to serve. */
  readonly upgrades: Server;
  /** Counts logins by outcome, for metrics. */
  countLogin(outcome: string): void;
  /** Counts token requests by `grant_type` and outcome, for metrics. */
  countTokenRequest(grantType: string, outcome: string): void;
  /** Counts failed authentication of OAuth clients by endpoint, for metrics. */
  countClientFailure(endpoint: string): void;
}

/** Registers the routes in the current scope, so that its prefix applies to them. */
export const apiRoutes: FastifyPluginAsync<RoutesOptions> = async (app, options) => {
  const { parts, schema, upgrades, countLogin, countTokenRequest, countClientFailure } = options;
  const { config, publicUrl, db, clock, bus, keys, services, sockets, socketSessions } = parts;
  const { authenticator } = services;
  const states = createCredentialStates({ authenticator, events: bus.events, clock });
  app.addHook('onClose', async () => states.close());
  const principals = createRequestPrincipals(app, states);
  app.redactNames(authenticator.headers);
  const { pathname: path, origin } = new URL(publicUrl);
  const { production } = config;
  const origins = [origin, ...loopbackOrigins(config), ...config.corsOrigins];
  const cookieName = refreshCookieName(production, path);
  const refreshCookie = createRefreshCookies({ production, path, origins });
  const deviceCookie = createDeviceCookies({ production, path, origins });
  const challengeCookie = createChallengeCookies({ production, path });
  const graphqlServices = { ...services, countLogin };

  await app.register(corsPlugin, { origins: config.corsOrigins, credentialHeaders: authenticator.headers });
  await app.register(rateLimitPlugin, {
    ...config.rateLimits,
    principalOf: principals.principalOf,
    lookUp: principals.lookUp,
    sessionOf: (request) => services.sessions.rateLimitSession(refreshTokenCandidates(request, cookieName)),
    shared: bus.redis && { redis: bus.redis, prefix: config.redis.prefix },
  });
  await app.register(jwks, {
    async keys() {
      await keys.refresh();
      return [...keys.published(), ...(await parts.idTokenKeys.published())];
    },
  });
  await app.register(cookiePlugin);
  const pagesUrl = config.mail.appUrl ?? publicUrl;
  const signIn = createPageSignIn({ ...graphqlServices, refreshCookie, deviceCookie, challengeCookie });
  await app.register(pages, {
    appName: config.appName,
    pagesUrl,
    origins: [publicUrl, pagesUrl].map((url) => new URL(url).origin),
    outcomeOf: (token) => services.tokens.outcomeOf(db.executor, token),
    rejectEmail: (token, client) => services.verification.reject(token, client),
    cancelChange: (token, client) => services.changes.cancel(token, client),
    minPasswordLength: config.passwords.minLength,
    factorOnPage: (token) => services.recovery.factorOnPage(token),
    resetPassword: (reset, client) => services.recovery.resetOnly(reset, client),
    signIn: config.accounts.emailLogin ? signIn : undefined,
    verifyEmail: async (token, client) => void (await services.verification.verify(token, client)),
  });
  await app.register(oauthEndpoints, {
    oauth: services.oauth,
    issuer: publicUrl,
    scopes: services.scopes.all,
    idTokenAlgorithm: config.oauth.idTokenAlgorithm,
    acceptsMetadataDocuments: config.oauth.registration === 'open',
    authenticate: principals.authenticate,
    authenticateToken: (token, request) =>
      authenticator.authenticate({ authorization: `Bearer ${token}` }, clientOf(request).ipAddress),
    grantIdOf: (token) => services.sessions.grantIdOf(token),
    countTokenRequest,
    countClientFailure,
  });
  const chargeField = createFieldCharges(schema, config.rateLimits.fields, services.rateLimits);
  const cookies = createOAuthCookies(publicUrl, services.oauth.browserSessions);
  const browserSignIn = createBrowserSignIn(
    { ...graphqlServices, deviceCookie, challengeCookie, chargeField },
    cookies,
  );
  await app.register(oauthPages, {
    context: {
      ...services.oauth,
      appName: config.appName,
      paths: createOAuthPaths(publicUrl),
      origins: new Set([origin, ...loopbackOrigins(config)]),
      executor: db.executor,
      cookies,
      signIn: browserSignIn,
      emailLogin: config.accounts.emailLogin,
      identityProviders: [...services.identities.flows.providers.values()],
      chargeField,
    },
  });
  await app.register(identityPages, { flows: services.identities.flows, publicUrl });
  if (config.oauth.registration !== 'off')
    await app.register(registrationEndpoint, { registration: services.oauth.registration });
  if (config.graphiql) await app.register(graphiql, { assetsDir: GRAPHIQL_DIR });
  await app.register(graphqlPlugin, {
    schema,
    limits: config.graphql,
    introspection: config.introspection,
    suggestions: config.introspection,
    charge: (request, requests) => app.chargeRequest(request, requests),
    afterMutation: principals.forget,
    live: {
      origins,
      sockets,
      upgrades,
      socketSessions,
      charge: (upgrade, userId, requests) => app.chargePrincipal(upgrade, userId, requests),
      credentialsOf: authenticator.fromConnectionParams,
      createContext: (client, session, onRequire) =>
        createContext({
          services: graphqlServices,
          authenticate: () => session.authenticate(),
          clock,
          client,
          cookie: NO_COOKIE,
          onRequire,
        }),
    },
    createContext: (request, reply) =>
      createContext({
        services: graphqlServices,
        authenticate: () => principals.authenticate(request),
        onEntered: (id) => void (request.loggedSubject = { kind: 'user', id }),
        clock,
        client: clientOf(request),
        cookie: refreshCookie(request, reply),
        device: deviceCookie(request, reply),
        challenge: challengeCookie(request, reply),
      }),
  });
};
