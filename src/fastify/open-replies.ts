/**
 * The replies whose responses are not complete, with one listener for the end of each response: listeners are a noticeable part of
 * the cost of a request.
 */
import type { FastifyReply } from 'fastify';
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** The replies whose responses are not complete, in the order of their requests. Includes WebSockets. */
    openReplies(): Iterable<OpenReply>;
    /** Calls `listener` when a response is complete or its connection closed, also for aborted requests, unlike `onResponse`. */
    onReplyClosed(listener: (reply: FastifyReply) => void): void;
  }
}

export interface OpenReply {
  readonly reply: FastifyReply;
  /** When its request arrived, by `performance.now()`. */
  readonly arrivedAt: number;
}

/** Tracks every request that reaches the hooks. */
export const openRepliesPlugin = fp(
  (app, _options, done) => {
    // By number: a set of replies would have to give a hash to each.
    const open = new Map<number, OpenReply>();
    let count = 0;
    const listeners: ((reply: FastifyReply) => void)[] = [];
    app.decorate('openReplies', () => open.values());
    app.decorate('onReplyClosed', (listener: (reply: FastifyReply) => void) => void listeners.push(listener));
    app.addHook('onRequest', (_request, reply, next) => {
      const id = (count += 1);
      open.set(id, { reply, arrivedAt: performance.now() });
      reply.raw.on('close', () => {
        open.delete(id);
        for (const listener of listeners) listener(reply);
      });
      next();
    });
    done();
  },
  { name: 'open-replies', fastify: '5.x' },
);
