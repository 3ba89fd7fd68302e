/** A request that waits too long for its answer gets 503, before its connection is silent for so long that Node ends it. */
import fp from 'fastify-plugin';
import { serviceUnavailable } from '../lib/errors.js';
import { sendError } from './errors.js';

export interface HandlerTimeoutOptions {
  readonly timeoutMs: number;
}

/** Not Fastify's `handlerTimeout`: its timer stops when the body of the request has been read. */
export const handlerTimeoutPlugin = fp<HandlerTimeoutOptions>(
  async (app, { timeoutMs }) => {
    app.addHook('onRequest', (request, reply, done) => {
      const timer = setTimeout(() => {
        if (reply.sent || reply.raw.headersSent) return;
        sendError(serviceUnavailable('The request took too long; try again later.', 1), request, reply);
      }, timeoutMs).unref();
      reply.raw.once('close', () => clearTimeout(timer));
      done();
    });
  },
  { name: 'handler-timeout' },
);
