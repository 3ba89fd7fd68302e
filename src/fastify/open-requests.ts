/** The requests of a server that have no complete response yet, with one listener for each response. */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import type { AppError } from '../lib/errors.js';
import { sendError } from './errors.js';

declare module 'fastify' {
  interface FastifyInstance {
    readonly openRequests: OpenRequests;
  }
}

export interface OpenRequests {
  /** How many there are; handshakes of WebSockets do not count. */
  readonly size: number;
  /** Calls back after each response that was the last open one. */
  onNone(listener: () => void): void;
  /**
   * Answers requests whose response has not begun, in the order in which they came.
   * @param concerns which of them, by request and its age in milliseconds
   * @param status of the response; that of the error if left out
   */
  answer(error: AppError, concerns: (request: FastifyRequest, ageMs: number) => boolean, status?: number): void;
}

interface OpenRequest {
  /** On the clock of `performance.now()`. */
  readonly since: number;
  /** Left out until Fastify has begun with it. */
  reply?: FastifyReply;
}

export const openRequestsPlugin = fp(
  (app, _options, done) => {
    const open = new Map<ServerResponse, OpenRequest>();
    const listeners: (() => void)[] = [];
    let size = 0;

    function onClose(this: ServerResponse): void {
      if (!open.delete(this)) return;
      size -= 1;
      if (size === 0) for (const listener of listeners) listener();
    }
    function onHandshakeClose(this: ServerResponse): void {
      open.delete(this);
    }
    // Ahead of Fastify, whose hooks find it then.
    app.server.prependListener('request', (_request, response: ServerResponse) => {
      size += 1;
      open.set(response, { since: performance.now() });
      response.on('close', onClose);
    });
    app.addHook('onRequest', (_request, reply, next) => {
      const { raw } = reply;
      const found = open.get(raw);
      if (found) found.reply = reply;
      else {
        // The server emits `upgrade` for it in place of `request`.
        open.set(raw, { since: performance.now(), reply });
        raw.on('close', onHandshakeClose);
      }
      next();
    });
    app.decorate('openRequests', {
      get size() {
        return size;
      },
      onNone: (listener) => void listeners.push(listener),
      answer(error, concerns, status) {
        const now = performance.now();
        for (const { since, reply } of open.values()) {
          if (!reply || reply.sent || reply.raw.headersSent || !concerns(reply.request, now - since)) continue;
          sendError(error, reply.request, reply, status);
        }
      },
    });
    done();
  },
  { name: 'open-requests', fastify: '5.x' },
);
