/** A request that waits too long for its answer gets 503, before its connection is silent for so long that Node ends it. */
import fp from 'fastify-plugin';
import { serviceUnavailable } from '../lib/errors.js';

export interface HandlerTimeoutOptions {
  readonly timeoutMs: number;
}

/** A request waits for up to this share of the timeout longer. */
const CHECKS_PER_TIMEOUT = 20;

/**
 * Not Fastify's `handlerTimeout`: its timer stops when the body of the request has been read. All requests share one timer,
 * as one for each would be set and cleared with every request.
 */
export const handlerTimeoutPlugin = fp<HandlerTimeoutOptions>(
  (app, { timeoutMs }, done) => {
    const timer = setInterval(() => {
      const error = serviceUnavailable('The request took too long; try again later.', 1);
      app.openRequests.answer(error, (_request, ageMs) => ageMs >= timeoutMs);
    }, timeoutMs / CHECKS_PER_TIMEOUT).unref();
    app.addHook('onClose', (_app, next) => {
      clearInterval(timer);
      next();
    });
    done();
  },
  { name: 'handler-timeout', dependencies: ['open-requests'] },
);
