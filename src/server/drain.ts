/** Closing without losing a request: what is in flight is answered, and then no connection stays open. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { sendError } from '../fastify/errors.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** From now on responses ask for the connection to be closed, so that the next request goes elsewhere. */
    beginDrain(): void;
  }
}

export interface DrainOptions {
  /**
   * How long closing waits for requests that are still arriving, in milliseconds; they may be under way. Afterwards they
   * are answered with 408, and connections without a request are closed.
   */
  readonly graceMs?: number;
  /** When requests that still wait for their answer get 503, in milliseconds from the start of closing. */
  readonly lastCallMs?: number;
}

/**
 * From `close` on, responses say `connection: close`. Node closes idle connections by itself, but it would wait for those
 * that have sent no request (browsers and load balancers open some ahead) or half of one.
 */
export const drainPlugin = fp<DrainOptions>(
  (app, { graceMs = 1000, lastCallMs = 7500 }, done) => {
    let inFlight = 0;
    let draining = false;
    let graceIsOver = false;
    const waiting = new Set<FastifyReply>();

    const closeIfQuiet = (): void => {
      if (graceIsOver && inFlight === 0) app.server.closeAllConnections();
    };
    const onResponseClosed = (): void => {
      inFlight -= 1;
      closeIfQuiet();
    };
    /** Answers those that wait, in the order in which they came. */
    const answer = (error: AppError, status: number, concerns: (request: FastifyRequest) => boolean): void => {
      for (const reply of waiting) {
        if (!reply.sent && !reply.raw.headersSent && concerns(reply.request)) {
          sendError(error, reply.request, reply, status);
        }
      }
    };
    app.server.on('request', (_request, response) => {
      inFlight += 1;
      response.on('close', onResponseClosed);
    });
    app.addHook('onRequest', (_request, reply, next) => {
      waiting.add(reply);
      reply.raw.on('close', () => waiting.delete(reply));
      next();
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
        closeIfQuiet();
      }, graceMs).unref();
      setTimeout(() => answer(serviceUnavailable('The server is going away.'), 503, () => true), lastCallMs).unref();
      next();
    });
    done();
  },
  { name: 'drain', fastify: '5.x' },
);

function tooLate(): AppError {
  return new AppError('QUERY_REJECTED', 'The request took too long to arrive.');
}
