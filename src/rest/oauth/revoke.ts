/** `POST /oauth/revoke` (RFC 7009 section 2). */
import type { FastifyInstance } from 'fastify';
import { clientOf } from '../../fastify/client.js';
import { requireParameter } from '../../oauth/grants/grant.js';
import type { RevokeToken } from '../../oauth/tokens/revoke.js';
import type { ReadClientRequest } from './client.js';

export interface RevocationEndpointOptions {
  readonly readClientRequest: ReadClientRequest;
  readonly revokeToken: RevokeToken;
}

export function revocationEndpoint(app: FastifyInstance, options: RevocationEndpointOptions): void {
  const { readClientRequest, revokeToken } = options;

  app.post('/oauth/revoke', { config: { rateLimit: false } }, async (request, reply) => {
    const { client, parameters } = await readClientRequest(request);
    // `token_type_hint` is not needed: a token tells what it is.
    await revokeToken(requireParameter(parameters, 'token'), client, clientOf(request));
    // The same for every token (section 2.2). An object, because some clients parse the body.
    return reply.send({});
  });
}
