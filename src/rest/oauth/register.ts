/** `POST /oauth/register`: dynamic client registration (RFC 7591). Registered only if OAUTH_REGISTRATION is on. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { clientOf } from '../../fastify/client.js';
import { OAuthError } from '../../oauth/error.js';
import type { Registration } from '../../oauth/registration/service.js';
import { ENDPOINTS } from '../../oauth/metadata.js';
import { sendOAuthError, toOAuthError } from './errors.js';
import { openCors } from './open-cors.js';
import { refuseOtherMethods } from './other-methods.js';

export interface RegistrationEndpointOptions {
  readonly registration: Pick<Registration, 'register'>;
}

/** Enough for a key set and twenty redirect URIs. */
const BODY_LIMIT = 65_536;
const BEARER = /^Bearer +([\w.~+/=-]+) *$/i;

const plugin: FastifyPluginCallback<RegistrationEndpointOptions> = (app, { registration }, done) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, parsed) => parsed(null, body));
  app.setErrorHandler((error, request, reply) => sendRegistrationError(error, request, reply));

  openCors(app, [ENDPOINTS.registration_endpoint]);
  app.post(ENDPOINTS.registration_endpoint, { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    const registered = await registration.register(parseJson(request.body), token, clientOf(request));
    return reply.code(201).headers(UNCACHED).send(registered);
  });
  refuseOtherMethods(app, [ENDPOINTS.registration_endpoint]);
  done();
};

const UNCACHED = { 'cache-control': 'no-store', pragma: 'no-cache' };

function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : '');
  } catch {
    throw new OAuthError('invalid_client_metadata', 'The body must be JSON.');
  }
}

/** RFC 7591 section 3.2.2. */
function sendRegistrationError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { error } = toOAuthError(thrown, request.id);
  if (error.code === 'invalid_token') void reply.header('www-authenticate', 'Bearer error="invalid_token"');
  const isBadBody = error.code === 'invalid_request';
  const sent = isBadBody ? new OAuthError('invalid_client_metadata', 'The body must be short JSON.') : thrown;
  return sendOAuthError(sent, request, reply);
}

export const registrationEndpoint = fp(plugin, {
  name: 'oauth-registration',
  dependencies: ['security-headers', 'rate-limit'],
  encapsulate: true,
  fastify: '5.x',
});
