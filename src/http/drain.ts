/** Closing without losing a request: what is in flight is finished, and then no connection is kept. */
import fp from 'fastify-plugin';

declare module 'fastify' {
  interface FastifyInstance {
    /** From now on responses ask for the connection to be closed, so that the next request goes elsewhere. */
    beginDrain(): void;
  }
}

export interface DrainOptions {
  /** How long a connection may stay that has not sent its request yet, in milliseconds: its bytes may be under way. */
  readonly graceMs?: number;
}

/**
 * From `close` on, responses say `connection: close`; Node closes idle connections by itself, but not those that never
 * sent a request (browsers and load balancers open some ahead), for which it would wait.
 */
export const drainPlugin = fp<DrainOptions>(
  (app, { graceMs = 1000 }, done) => {
    let inFlight = 0;
    let draining = false;
    let graceIsOver = false;

    const closeIfQuiet = (): void => {
      if (graceIsOver && inFlight === 0) app.server.closeAllConnections();
    };
    const onResponseClosed = (): void => {
      inFlight -= 1;
      closeIfQuiet();
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
        closeIfQuiet();
      }, graceMs).unref();
      next();
    });
    done();
  },
  { name: 'drain', fastify: '5.x' },
);
