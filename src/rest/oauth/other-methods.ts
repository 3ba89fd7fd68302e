/** Answers requests with a method that an endpoint does not have: 405 with `Allow` (RFC 9110 section 15.5.6). */
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { OAuthError } from '../../oauth/error.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const satisfies readonly HTTPMethods[];

/** Call it after the routes of `paths` are registered. @param paths of the routes in the scope of `app` */
export function refuseOtherMethods(app: FastifyInstance, paths: readonly string[]): void {
  for (const url of paths) {
    const isServed = (method: HTTPMethods) => app.hasRoute({ method, url: app.prefix + url });
    const allow = METHODS.filter(isServed).join(', ');
    app.route({
      method: METHODS.filter((method) => !isServed(method)),
      url,
      // The body is not read.
      onRequest: async (_request, reply) =>
        reply
          .code(405)
          .header('allow', allow)
          .header('cache-control', 'no-store')
          .send(new OAuthError('invalid_request', `The method must be ${allow}.`).body),
      handler: (_request, reply) => reply,
    });
  }
}
