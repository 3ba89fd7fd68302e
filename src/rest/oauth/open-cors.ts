/**
 * CORS for any origin, without credentials (Fetch Standard, 3.2). Clients in browsers call these endpoints from origins that
 * nobody configured. No cookie counts there, so an origin gains nothing that any other HTTP client lacks.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';

const PREFLIGHT_MAX_AGE_S = 600;
/** Any header: MCP clients send their own. The wildcard does not cover `authorization`, and old browsers do not know it. */
const ALLOWED_HEADERS = 'authorization, content-type, *';

/** @param paths of the routes in the scope of `app` */
export function openCors(app: FastifyInstance, paths: readonly string[]): void {
  const open = new Set(paths.map((path) => app.prefix + path));
  // Origins of CORS_ORIGINS keep the headers that they have everywhere.
  const allow = (reply: FastifyReply) => {
    if (!reply.hasHeader('access-control-allow-origin')) void reply.header('access-control-allow-origin', '*');
  };

  // Not at the request: the limits by address refuse it before the hooks of this scope run.
  app.addHook('onSend', (request, reply, _payload, next) => {
    if (open.has(request.routeOptions.url ?? '')) {
      allow(reply);
      void reply.header('access-control-expose-headers', 'www-authenticate, retry-after');
    }
    next();
  });
  for (const path of paths)
    app.options(path, { config: { rateLimit: false } }, async (_request, reply) =>
      reply
        .code(204)
        .header('access-control-allow-methods', 'GET, POST')
        .header('access-control-allow-headers', ALLOWED_HEADERS)
        .header('access-control-max-age', PREFLIGHT_MAX_AGE_S)
        .send(),
    );
}
