/** Answers 503 when a handler takes too long, before Node's connection timeout closes the connection without an answer. */
import fp from 'fastify-plugin';
import { serviceUnavailable } from '../lib/errors.js';
import { sendError } from './errors.js';

export interface HandlerTimeoutOptions {
  readonly timeoutMs: number;
}

/** Replaces Fastify's `handlerTimeout`, whose timer stops when the request body has been read. */
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
