/** `POST /oauth/token` (RFC 6749 section 3.2). */
import type { FastifyInstance } from 'fastify';
import { clientOf } from '../../fastify/client.js';
import { OAuthError } from '../../oauth/error.js';
import { requireParameter, type Grant } from '../../oauth/grants/grant.js';
import type { ReadClientRequest } from './client.js';
import { toOAuthError } from './errors.js';

export interface TokenEndpointOptions {
  readonly readClientRequest: ReadClientRequest;
  /** The grants by `grant_type`. */
  readonly grants: ReadonlyMap<string, Grant>;
  /** Counts token requests, for metrics. @param grantType `none` if unknown @param outcome `success` or the error code */
  countTokenRequest(grantType: string, outcome: string): void;
}

export function tokenEndpoint(app: FastifyInstance, options: TokenEndpointOptions): void {
  const { readClientRequest, grants, countTokenRequest } = options;

  app.post('/oauth/token', { config: { rateLimit: false } }, async (request, reply) => {
    let grantType = 'none';
    try {
      const { client, parameters } = await readClientRequest(request);
      const requested = requireParameter(parameters, 'grant_type');
      const grant = grants.get(requested);
      if (!grant) throw new OAuthError('unsupported_grant_type', 'The grant type is not supported.');
      grantType = requested;
      const response = await grant({ client, parameters, from: clientOf(request) });
      countTokenRequest(grantType, 'success');
      return await reply.header('cache-control', 'no-store').header('pragma', 'no-cache').send(response);
    } catch (error) {
      countTokenRequest(grantType, toOAuthError(error, request.id).error.code);
      throw error;
    }
  });
}
