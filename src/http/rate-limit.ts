/** How many HTTP requests an address, or a principal, may make. Executions of fields are counted by `@rateLimit`. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { Rate } from '../config-readers.js';
import { AppError } from '../errors.js';
import { clientNetwork } from '../client-address.js';

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
  async (app, { anonymous, authenticated, principalOf }) => {
    const rateOf = (key: string): Rate => (key.startsWith(PRINCIPAL) ? authenticated : anonymous);
    await app.register(rateLimit, {
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
    });
    app.addHook('onRequest', app.rateLimit());
  },
  { name: 'rate-limit', fastify: '5.x', dependencies: ['cors'] },
);
