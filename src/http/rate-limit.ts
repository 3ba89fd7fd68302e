/** How many HTTP requests an address, or a principal, may make. Executions of fields are counted by `@rateLimit`. */
import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import fp from 'fastify-plugin';
import type { Rate } from '../config-readers.js';
import { AppError } from '../errors.js';
import { clientNetwork } from '../client-address.js';
import type { RedisConnection } from '../redis/connection.js';

export interface RateLimitOptions {
  /** By address: requests without a principal, forged tokens included. */
  readonly anonymous: Rate;
  /** By principal. */
  readonly authenticated: Rate;
  /**
   * Whom a request's access token names, when its signature holds; cheap and without a database, as it runs before
   * anything else. Must not throw or reject.
   */
  principalOf(request: FastifyRequest): string | undefined | Promise<string | undefined>;
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

/**
 * Counts every request, also where there is no route, but those whose route's `config.rateLimit` is false.
 * Preflights of known origins end before. Over the limit: 429 RATE_LIMIT_EXCEEDED with `retryAfter` in seconds.
 */
export const rateLimitPlugin = fp<RateLimitOptions>(
  async (app, { anonymous, authenticated, principalOf, shared }) => {
    const rateOf = (key: string): Rate => (key.startsWith(PRINCIPAL) ? authenticated : anonymous);
    const options: RateLimitPluginOptions = {
      // One hook of our own in place of the plugin's on each route: those miss what has no route.
      global: false,
      cache: MAX_COUNTERS,
      keyGenerator: async (request) => {
        const principal = await principalOf(request);
        return principal === undefined ? clientNetwork(request.ip) : PRINCIPAL + principal;
      },
      max: (_request, key) => rateOf(key).max,
      timeWindow: (_request, key) => rateOf(key).windowMs,
      allowList: (request) => request.routeOptions.config.rateLimit === false,
      errorResponseBuilder: (_request, { ttl }) =>
        new AppError('RATE_LIMIT_EXCEEDED', 'Too many requests; try again later.', {
          retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
        }),
    };
    const countHere = await counting(app, options);
    if (!shared) {
      app.addHook('onRequest', countHere);
      return;
    }
    const { redis, prefix } = shared;
    const countTogether = await counting(app, { ...options, redis: redis.client, nameSpace: `${prefix}requests:` });
    app.addHook('onRequest', async function (request, reply) {
      if (redis.isUp()) {
        try {
          await countTogether.call(this, request, reply);
          return;
        } catch (error) {
          if (error instanceof AppError) throw error;
          redis.drop();
        }
      }
      await countHere.call(this, request, reply);
    });
  },
  { name: 'rate-limit', fastify: '5.x', dependencies: ['cors'] },
);

/** A hook that counts in a store of its own; the plugin has one store for each place where it is registered. */
async function counting(app: FastifyInstance, options: RateLimitPluginOptions): Promise<onRequestAsyncHookHandler> {
  let hook: onRequestAsyncHookHandler | undefined;
  await app.register(async (scope) => {
    await scope.register(rateLimit, options);
    hook = scope.rateLimit();
  });
  return hook!;
}
