/** Graceful shutdown of connections: requests in flight are answered, then every connection is closed. */
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { sendError } from '../fastify/errors.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Adds `Connection: close` to responses, so that clients send the next request to another instance. */
    beginDrain(): void;
  }
}

export interface DrainOptions {
  /**
   * How long `close` waits for requests that are still arriving, in milliseconds. Then they get 408, and connections without
   * a request are closed.
   */
  readonly graceMs?: number;
  /** How long `close` waits for handlers, in milliseconds. Then their requests get 503. */
  readonly responseTimeoutMs?: number;
}

/**
 * Drains the server on `close`. Node closes idle connections itself, but waits for connections without a complete request. Browsers
 * and load balancers open such connections in advance.
 */
export const drainPlugin = fp<DrainOptions>(
  (app, { graceMs = 1000, responseTimeoutMs = 7500 }, done) => {
    let inFlight = 0;
    let draining = false;
    let graceIsOver = false;

    const closeIfIdle = (): void => {
      if (graceIsOver && inFlight === 0) app.server.closeAllConnections();
    };
    const onResponseClosed = (): void => {
      inFlight -= 1;
      closeIfIdle();
    };
    /** Answers waiting requests in the order of their arrival. */
    const answer = (error: AppError, status: number, matches: (request: FastifyRequest) => boolean): void => {
      for (const { reply } of app.openReplies()) {
        if (!reply.sent && !reply.raw.headersSent && matches(reply.request)) {
          sendError(error, reply.request, reply, status);
        }
      }
    };
    app.server.on('request', (_request, response) => {
      inFlight += 1;
      response.on('close', onResponseClosed);
    });
    app.decorate('beginDrain', () => void (draining = true));
    app.addHook('onSend', (_request, reply, payload, next) => {
      if (draining) void reply.header('connection', 'close');
      next(null, payload);
    });
    app.addHook('preClose', (next) => {
      draining = true;
      setTimeout(() => {
        graceIsOver = true;
        answer(tooLate(), 408, ({ raw }) => !raw.complete);
        closeIfIdle();
      }, graceMs).unref();
      setTimeout(
        () => answer(serviceUnavailable('The server is shutting down.'), 503, () => true),
        responseTimeoutMs,
      ).unref();
      next();
    });
    done();
  },
  { name: 'drain', fastify: '5.x', dependencies: ['open-replies'] },
);

function tooLate(): AppError {
  return new AppError('QUERY_REJECTED', 'The request took too long to arrive.');
}
