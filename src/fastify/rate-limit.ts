/**
 * Limits HTTP requests by principal, by session or by address; messages of sockets are charged to the same counters. A request
 * counts under an account only if the session of its access token is live: one that was live at its last request is counted
 * at once, another after it was looked up. A refresh brings no access token, so a request that may be one is counted once its
 * body is read: by its session when its refresh token is genuine, so that strangers behind one address cannot stop the
 * others' refreshes. Upgrades to a socket are counted
 * by address, apart from requests. Executions of fields are counted by `@rateLimit`.
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
  interface FastifyContextConfig {
    /**
     * Requests without a principal are counted when their body has been read: by `sessionOf` if it names a session, otherwise
     * by what `lookUp` finds.
     */
    countAfterBody?: boolean;
  }
  interface FastifyInstance {
    /**
     * Counts what came over a socket as requests of a principal; `upgrade` is the request that opened the socket.
     * @param requests how many, 1 if left out
     * @throws AppError RATE_LIMIT_EXCEEDED
     */
    chargePrincipal(upgrade: FastifyRequest, principal: string, requests?: number): Promise<void>;
    /**
     * Counts a request that took much work as so many more, of whom it was counted for.
     * @throws AppError RATE_LIMIT_EXCEEDED
     */
    chargeRequest(request: FastifyRequest, requests: number): Promise<void>;
  }
}

export interface RateLimitOptions {
  /** By address: requests without a principal, forged tokens included. */
  readonly anonymous: Rate;
  /** By principal. */
  readonly authenticated: Rate;
  /**
   * Whom a request's access token names, if its session was live when it was last looked up; cheap and without a database,
   * as it runs before anything else. Must not throw.
   */
  principalOf(request: FastifyRequest): string | undefined;
  /** Looks up a session that `principalOf` does not know; undefined if the request has no live one. Must not fail. */
  lookUp?(request: FastifyRequest): Promise<string | undefined> | undefined;
  /** The session that a request with a parsed body proves by a genuine refresh token. Must not throw. */
  sessionOf?(request: FastifyRequest): string | undefined;
  /** Where instances count together; without it, and while it is away, each counts by itself. */
  readonly shared?: { readonly redis: RedisConnection; readonly prefix: string } | undefined;
}

/**
 * Counters that are held, some 15 MB when full. The least recently used one gives way, and each needs a network or an
 * account of its own (a forged token makes none), so pushing one's own counter out takes this many networks that each
 * had a whole limit of their own: never the cheap way to more requests.
 */
const MAX_COUNTERS = 65_536;
const PRINCIPAL = 'principal:';
/** Whoever opens sockets says who they are only then: an office of people behind one address opens many. */
const UPGRADE = 'upgrade:';

/**
 * Counts every request, also where there is no route, but those whose route's `config.rateLimit` is false.
 * Preflights of known origins end before. Over the limit: 429 RATE_LIMIT_EXCEEDED with `retryAfter` in seconds.
 */
export const rateLimitPlugin = fp<RateLimitOptions>(
  async (app, { anonymous, authenticated, principalOf, lookUp, sessionOf, shared }) => {
    const rateOf = (key: string): Rate =>
      key.startsWith(PRINCIPAL) || key.startsWith(UPGRADE) ? authenticated : anonymous;
    /** Upgrades bring no token: whom their sockets belong to is known later. */
    const principals = new WeakMap<FastifyRequest, string>();
    const options: RateLimitPluginOptions = {
      // One hook of our own in place of the plugin's on each route: those miss what has no route.
      global: false,
      cache: MAX_COUNTERS,
      keyGenerator: (request) => {
        const principal = principals.get(request);
        if (principal !== undefined) return PRINCIPAL + principal;
        const network = clientOf(request).network;
        return isWebSocketUpgrade(request.raw) ? UPGRADE + network : network;
      },
      max: (_request, key) => rateOf(key).max,
      timeWindow: (_request, key) => rateOf(key).windowMs,
      allowList: (request) => request.routeOptions.config.rateLimit === false,
      errorResponseBuilder: (_request, { ttl }) => exceeded(ttl),
    };
    const here = await counting(app, options);
    const together =
      shared &&
      (await counting(app, { ...options, redis: shared.redis.client, nameSpace: `${shared.prefix}requests:` }));

    async function count(work: (counter: Counter) => Promise<void>): Promise<void> {
      if (!together || !shared.redis.isUp()) return work(here);
      try {
        return await work(together);
      } catch (error) {
        if (error instanceof AppError) throw error;
        shared.redis.drop();
        return work(here);
      }
    }
    /** Requests that are counted once their body is read. */
    const deferred = new WeakSet<FastifyRequest>();
    const countRequest = (request: FastifyRequest, reply: FastifyReply) =>
      count((counter) => counter.request(request, reply));
    app.addHook('onRequest', (request, reply) => {
      const principal = principalOf(request);
      if (principal !== undefined) principals.set(request, principal);
      const isDeferred = request.routeOptions.config.countAfterBody && !isWebSocketUpgrade(request.raw);
      if (principal !== undefined || !isDeferred) return countRequest(request, reply);
      deferred.add(request);
      return Promise.resolve();
    });
    // With a callback: most requests pass it without a turn of the microtask queue.
    app.addHook('preHandler', (request, reply, done) => {
      if (!deferred.delete(request)) return done();
      const session = sessionOf?.(request);
      if (session !== undefined) principals.set(request, `session:${session}`);
      const found = session === undefined ? lookUp?.(request) : undefined;
      if (!found) return void countRequest(request, reply).then(() => done(), done);
      found
        .then((principal) => {
          if (principal !== undefined) principals.set(request, principal);
          return countRequest(request, reply);
        })
        .then(() => done(), done);
    });
    // A body that cannot be read counts too, although its own error is the answer.
    app.addHook('onError', async (request, reply) => {
      if (deferred.delete(request)) await countRequest(request, reply).catch(() => undefined);
    });
    app.decorate('chargeRequest', async (request: FastifyRequest, requests: number) => {
      for (let charged = 0; charged < requests; charged += 1) await count((counter) => counter.charge(request));
    });
    app.decorate('chargePrincipal', (upgrade: FastifyRequest, principal: string, requests = 1) => {
      principals.set(upgrade, principal);
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

/** Both count in the same store, and throw what tells that the limit is reached. */
interface Counter {
  /** Once a request, however often it is called; sets headers. */
  request(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** At each call. */
  charge(request: FastifyRequest): Promise<void>;
}

/** Counts in a store of its own; the plugin has one store for each place where it is registered. */
async function counting(app: FastifyInstance, options: RateLimitPluginOptions): Promise<Counter> {
  let counter: Counter | undefined;
  await app.register(async (scope) => {
    await scope.register(rateLimit, options);
    const hook = scope.rateLimit();
    const look = scope.createRateLimit();
    counter = {
      request: (request, reply) => hook.call(scope, request, reply) as Promise<void>,
      async charge(request) {
        const result = await look(request);
        if (!result.isAllowed && result.isExceeded) throw exceeded(result.ttl);
      },
    };
  });
  return counter!;
}
