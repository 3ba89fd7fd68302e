/**
 * Limits HTTP requests by principal, session or network. WebSocket messages are charged to the same counters, and WebSocket
 * upgrades have counters by network. `@rateLimit` limits executions of fields separately.
 *
 * A request counts for a principal only if the session of its access token is live. A refresh has no access token, so
 * `countAfterBody` routes count such requests after the body is read: by the session of an authentic refresh token, so that
 * one client cannot block the refreshes of others in its network.
 */
import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Rate } from '../config/readers.js';
import { AppError } from '../lib/errors.js';
import { clientOf } from './client.js';
import type { RedisConnection } from '../redis/connection.js';
import { isWebSocketUpgrade } from './upgrades.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The account or session that the request counts for; that of an upgrade is known once its WebSocket is open. */
    rateLimitPrincipal: string | null;
    /** Whether the request is counted once its body is read. */
    isCountedAfterBody: boolean;
  }
  interface FastifyContextConfig {
    /**
     * Counts requests without a known principal after their body is read: by `sessionOf`, else by `lookUp`, else by
     * network.
     */
    countAfterBody?: boolean;
  }
  interface FastifyInstance {
    /**
     * Counts WebSocket messages as requests of a principal.
     * @param upgrade the request that opened the WebSocket
     * @param requests how many to count; default 1
     * @throws AppError RATE_LIMIT_EXCEEDED
     */
    chargePrincipal(upgrade: FastifyRequest, principal: string, requests?: number): Promise<void>;
    /**
     * Counts an expensive request as additional requests of the same principal or network.
     * @throws AppError RATE_LIMIT_EXCEEDED
     */
    chargeRequest(request: FastifyRequest, requests: number): Promise<void>;
  }
}

export interface RateLimitOptions {
  /** Limit per network, for requests without a principal, including forged tokens. */
  readonly anonymous: Rate;
  /** Limit per principal or session, and for WebSocket upgrades per network. */
  readonly authenticated: Rate;
  /**
   * The principal of the access token, if its session was live when last read. Runs for every request, so it must not read
   * the database. Must not throw.
   */
  principalOf(request: FastifyRequest): string | undefined;
  /** Reads the session of a token that `principalOf` does not know; undefined without a live session. Must not reject. */
  lookUp?(request: FastifyRequest): Promise<string | undefined> | undefined;
  /** The session of an authentic refresh token in a request with a parsed body. Must not throw. */
  sessionOf?(request: FastifyRequest): string | undefined;
  /** Counters shared by instances. Without it, and while Redis is unavailable, each instance counts separately. */
  readonly shared?: { readonly redis: RedisConnection; readonly prefix: string } | undefined;
}

/**
 * Counters in memory for each of the two rates, about 15 MB when full; the least recently used is evicted. Evicting a counter to escape its limit takes
 * requests from this many other networks or accounts, each with a limit of its own. Forged tokens create no counters.
 */
const MAX_COUNTERS = 65_536;
/** Upgrades carry no credentials, and many people can share one network, so they get a separate, higher limit. */
const UPGRADE = 'upgrade:';

/**
 * Counts every request, including those without a route. Preflights of allowed origins and routes with `config.rateLimit: false`
 * do not count. Above the limit it answers 429 RATE_LIMIT_EXCEEDED with `retryAfter` in seconds.
 */
export const rateLimitPlugin = fp<RateLimitOptions>(
  async (app, { anonymous, authenticated, principalOf, lookUp, sessionOf, shared }) => {
    app.decorateRequest('rateLimitPrincipal', null);
    app.decorateRequest('isCountedAfterBody', false);
    const options: RateLimitPluginOptions = {
      // Our own hook replaces the plugin's hooks of routes, which miss requests without a route.
      global: false,
      cache: MAX_COUNTERS,
      keyGenerator: (request) => {
        const { rateLimitPrincipal: principal } = request;
        if (principal !== null) return principal;
        const network = clientOf(request).network;
        return isWebSocketUpgrade(request.raw) ? UPGRADE + network : network;
      },
      errorResponseBuilder: (_request, { ttl }) => exceeded(ttl),
    };
    const localCounters = await createCounters(options);
    const sharedCounters = shared && (await createCounters({ ...options, redis: shared.redis.client }, shared.prefix));

    /** One counter for each rate, because the plugin awaits rates that are functions. @param prefix of the keys in Redis */
    async function createCounters(common: RateLimitPluginOptions, prefix = ''): Promise<Counters> {
      const counterOf = ({ max, windowMs: timeWindow }: Rate, nameSpace: string) =>
        createCounter(app, { ...common, nameSpace: prefix + nameSpace, max, timeWindow });
      return {
        anonymous: await counterOf(anonymous, 'requests:'),
        authenticated: await counterOf(authenticated, 'requests:principal:'),
      };
    }

    function counterFor(counters: Counters, request: FastifyRequest): Counter {
      const isAuthenticated = request.rateLimitPrincipal !== null || isWebSocketUpgrade(request.raw);
      return isAuthenticated ? counters.authenticated : counters.anonymous;
    }

    function count(request: FastifyRequest, work: (counter: Counter) => Promise<void>): Promise<void> {
      const local = counterFor(localCounters, request);
      if (!sharedCounters || !shared.redis.isUp()) return work(local);
      return work(counterFor(sharedCounters, request)).catch((error: unknown) => {
        if (error instanceof AppError) throw error;
        shared.redis.drop();
        return work(local);
      });
    }
    const countRequest = (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
      request.routeOptions.config.rateLimit === false
        ? Promise.resolve()
        : count(request, (counter) => counter.request(request, reply));
    app.addHook('onRequest', (request, reply) => {
      const principal = principalOf(request);
      if (principal !== undefined) request.rateLimitPrincipal = principal;
      const isCountedNow = principal !== undefined || !request.routeOptions.config.countAfterBody;
      if (isCountedNow || isWebSocketUpgrade(request.raw)) return countRequest(request, reply);
      request.isCountedAfterBody = true;
      return Promise.resolve();
    });
    // A callback, because a promise would delay every request by a microtask.
    app.addHook('preHandler', (request, reply, done) => {
      if (!request.isCountedAfterBody) return done();
      request.isCountedAfterBody = false;
      const session = sessionOf?.(request);
      if (session !== undefined) request.rateLimitPrincipal = `session:${session}`;
      const found = session === undefined ? lookUp?.(request) : undefined;
      if (!found) return void countRequest(request, reply).then(() => done(), done);
      found
        .then((principal) => {
          if (principal !== undefined) request.rateLimitPrincipal = principal;
          return countRequest(request, reply);
        })
        .then(() => done(), done);
    });
    // Counts requests with an unreadable body; the response is the error of the body.
    app.addHook('onError', async (request, reply) => {
      if (!request.isCountedAfterBody) return;
      request.isCountedAfterBody = false;
      await countRequest(request, reply).catch(() => undefined);
    });
    app.decorate('chargeRequest', async (request: FastifyRequest, requests: number) => {
      for (let charged = 0; charged < requests; charged += 1)
        await count(request, (counter) => counter.charge(request));
    });
    app.decorate('chargePrincipal', (upgrade: FastifyRequest, principal: string, requests = 1) => {
      upgrade.rateLimitPrincipal = principal;
      return app.chargeRequest(upgrade, requests);
    });
  },
  { name: 'rate-limit', fastify: '5.x', dependencies: ['cors'] },
);

function exceeded(ttlMs: number): AppError {
  return new AppError('RATE_LIMIT_EXCEEDED', 'Too many requests; try again later.', {
    retryAfter: Math.max(1, Math.ceil(ttlMs / 1000)),
  });
}

interface Counters {
  readonly anonymous: Counter;
  readonly authenticated: Counter;
}

/** Both methods count in the same store and throw RATE_LIMIT_EXCEEDED. */
interface Counter {
  /** Counts a request at most once and sets the rate limit headers. */
  request(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** Counts at each call. */
  charge(request: FastifyRequest): Promise<void>;
}

/** Creates a counter with a separate store, because the plugin has one store per registration. */
async function createCounter(app: FastifyInstance, options: RateLimitPluginOptions): Promise<Counter> {
  let counter: Counter | undefined;
  await app.register(async (scope) => {
    await scope.register(rateLimit, options);
    const hook = scope.rateLimit();
    const check = scope.createRateLimit();
    counter = {
      request: (request, reply) => hook.call(scope, request, reply) as Promise<void>,
      async charge(request) {
        const result = await check(request);
        if (!result.isAllowed && result.isExceeded) throw exceeded(result.ttl);
      },
    };
  });
  return counter!;
}
