/** `POST /oauth/introspect` (RFC 7662 section 2). */
import type { FastifyInstance } from 'fastify';
import { InvalidClient } from '../../oauth/clients/authenticate.js';
import { requireParameter } from '../../oauth/grants/grant.js';
import type { InspectToken } from '../../oauth/tokens/inspect.js';
import type { ReadClientRequest } from './client.js';

export interface IntrospectionEndpointOptions {
  readonly readClientRequest: ReadClientRequest;
  readonly inspectToken: InspectToken;
}

export function introspectionEndpoint(app: FastifyInstance, options: IntrospectionEndpointOptions): void {
  const { readClientRequest, inspectToken } = options;

  app.post('/oauth/introspect', { config: { rateLimit: false } }, async (request, reply) => {
    const { client, parameters } = await readClientRequest(request);
    // Against token scanning (section 4), a public client cannot introspect.
    if (client.authMethod === 'NONE') throw new InvalidClient();
    const token = await inspectToken(requireParameter(parameters, 'token'), parameters.get('ip_address'));
    const isVisible = token !== undefined && (client.mayIntrospect || token.clientId === client.id);
    return reply.send(isVisible ? token.response : { active: false });
  });
}
