/**
 * The replies whose responses are not complete, with one listener for the end of each response: listeners are a noticeable part of
 * the cost of a request.
 */
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** When each request without a complete response arrived, by `performance.now()`, oldest first. Includes WebSockets. */
    readonly openReplies: ReadonlyMap<FastifyReply, number>;
    /** Calls `listener` when a response is complete or its connection closed, also for aborted requests, unlike `onResponse`. */
    onReplyClosed(listener: (reply: FastifyReply) => void): void;
  }
}

/** Tracks every request that reaches the hooks. */
export const openRepliesPlugin = fp(
  (app, _options, done) => {
    const open = new Map<FastifyReply, number>();
    const listeners: ((reply: FastifyReply) => void)[] = [];
    app.decorate('openReplies', open);
    app.decorate('onReplyClosed', (listener: (reply: FastifyReply) => void) => void listeners.push(listener));
    app.addHook('onRequest', (_request, reply, next) => {
      open.set(reply, performance.now());
      reply.raw.on('close', () => {
        open.delete(reply);
        for (const listener of listeners) listener(reply);
      });
      next();
    });
    done();
  },
  { name: 'open-replies', fastify: '5.x' },
);
