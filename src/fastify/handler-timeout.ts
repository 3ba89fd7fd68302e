/** Answers 503 when a handler takes too long, before Node's connection timeout closes the connection without an answer. */
import fp from 'fastify-plugin';
import { serviceUnavailable } from '../lib/errors.js';
import { sendError } from './errors.js';

export interface HandlerTimeoutOptions {
  readonly timeoutMs: number;
}

/** Replaces Fastify's `handlerTimeout`, whose timer stops when the request body has been read. All requests share one timer. */
export const handlerTimeoutPlugin = fp<HandlerTimeoutOptions>(
  async (app, { timeoutMs }) => {
    let timer: NodeJS.Timeout | undefined;
    const schedule = (delayMs: number) => setTimeout(check, delayMs).unref();

    function check(): void {
      timer = undefined;
      for (const { reply, arrivedAt } of app.openReplies()) {
        const left = arrivedAt + timeoutMs - performance.now();
        if (left > 0) {
          timer = schedule(Math.ceil(left));
          return;
        }
        if (reply.sent || reply.raw.headersSent) continue;
        sendError(serviceUnavailable('The request took too long; try again later.', 1), reply.request, reply);
      }
    }

    app.addHook('onRequest', (_request, _reply, done) => {
      timer ??= schedule(timeoutMs);
      done();
    });
    app.addHook('onClose', async () => clearTimeout(timer));
  },
  { name: 'handler-timeout', dependencies: ['open-replies'] },
);
