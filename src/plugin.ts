/**
 * The Fastify plugin. It adds Latchkey's routes and `app.latchkey` to the application and changes nothing else. The routes pass
 * raw requests to a separate Fastify instance.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import fp from 'fastify-plugin';
import { openLatchkey, type Latchkey, type LatchkeyOptions } from './api/embedded.js';
import { assertScopes } from './authz/decisions.js';
import { toAppError } from './fastify/errors.js';
import { errorBody } from './fastify/raw-response.js';

/** Protects routes of the application with Latchkey's access tokens. */
export interface LatchkeyGuard extends Pick<Latchkey, 'authenticate'> {
  /**
   * Creates a `preHandler` that requires all scopes of at least one group. It answers other requests with 401, 403 or 503, in the
   * format of Latchkey's errors.
   * @throws Error for an unknown scope
   */
  requireScopes(
    required: readonly (readonly string[])[],
  ): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly latchkey: LatchkeyGuard;
  }
}

export type LatchkeyPluginOptions = Omit<LatchkeyOptions, 'log'>;

const plugin: FastifyPluginCallback<LatchkeyPluginOptions> = (app, options, done) => {
  const { prefix = '' } = options;
  const opened = openLatchkey({ ...options, prefix: app.prefix + prefix, log: app.log });
  // Closes it even if another plugin fails to start.
  app.addHook('onClose', async () => {
    const latchkey = await opened.catch(() => undefined);
    await latchkey?.close();
  });
  // A promise is not limited by pluginTimeout. The first start on a large database may take longer.
  const mounted = opened.then((latchkey) => ({ default: mount(latchkey, prefix) }));
  // `register` reports a failure, but may look at the promise after it has failed.
  mounted.catch(() => undefined);
  void app.register(mounted);
  done();
};

/** Hides the routes from @fastify/swagger. */
const HIDDEN: FastifySchema & { readonly hide: true } = { hide: true };

function mount(latchkey: Latchkey, prefix: string) {
  return fp((app: FastifyInstance, _options: object, done: (error?: Error) => void) => {
    try {
      addTo(app, latchkey, prefix);
      done();
    } catch (error) {
      // A plugin that comes from a promise and throws would end the process: avvio does not catch it.
      done(error as Error);
    }
  });
}

/** @throws FastifyError if the application has a route or a decorator of the same name */
function addTo(app: FastifyInstance, latchkey: Latchkey, prefix: string): void {
  app.decorate('latchkey', guardOf(latchkey));
  app.addHook('onReady', async () => latchkey.start());
  app.addHook('preClose', async () => latchkey.drain());
  latchkey.serveWebSockets(app.server);
  for (const { method, url } of latchkey.routes) {
    app.route({
      method,
      url: prefix + url,
      exposeHeadRoute: false,
      schema: HIDDEN,
      // Runs before the body is read, and never continues, so no later hook of the application runs.
      onRequest({ raw }, reply) {
        reply.hijack();
        latchkey.handle(raw, reply.raw);
      },
      handler: async () => undefined,
    });
  }
}

function guardOf({ authenticate, scopes }: Latchkey): LatchkeyGuard {
  return {
    authenticate,
    requireScopes(required) {
      const unknown = required.flat().find((scope) => !scopes.has(scope));
      if (unknown !== undefined) throw new Error(`requireScopes: the scope ${unknown} is unknown`);
      return async (request, reply) => {
        try {
          assertScopes(await authenticate(request), required);
          return undefined;
        } catch (error) {
          return refuse(error, request, reply);
        }
      };
    },
  };
}

function refuse(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = toAppError(thrown, request.id);
  if (error.status === 401) {
    const isMissing = error.code === 'MISSING_TOKEN';
    void reply.header('www-authenticate', isMissing ? 'Bearer' : 'Bearer error="invalid_token"');
  } else if (error.code === 'INSUFFICIENT_PERMISSIONS') {
    const scope = (error.details.requiredScopes?.[0] ?? []).join(' ');
    void reply.header('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`);
  }
  if (error.details.retryAfter !== undefined) void reply.header('retry-after', error.details.retryAfter);
  return reply.code(error.status).header('cache-control', 'no-store').send(errorBody(error));
}

/** `await app.register(latchkey, { prefix: '/auth', config, typeDefs, resolvers })` */
export const latchkey = fp(plugin, { name: 'latchkey', fastify: '5.x' });
