/** The HTTP endpoints of the OAuth 2.0 and OpenID Connect provider, except its pages. */
import type { FastifyPluginCallback } from 'fastify';
import fp from 'fastify-plugin';
import type { OAuth } from '../../oauth/create.js';
import { acceptForms } from '../form.js';
import { createClientRequests } from './client.js';
import { deviceAuthorizationEndpoint } from './device-authorization.js';
import { sendOAuthError } from './errors.js';
import { tokenEndpoint, type TokenEndpointOptions } from './token.js';

export interface OAuthEndpointsOptions extends Pick<TokenEndpointOptions, 'countTokenRequest'> {
  readonly oauth: OAuth;
  /** PUBLIC_URL. */
  readonly issuer: string;
  /** The grant of an authentic refresh token. */
  grantIdOf(refreshToken: string): string | undefined;
}

/** Enough for a client assertion and a long list of scopes. */
const BODY_LIMIT = 16_384;

const plugin: FastifyPluginCallback<OAuthEndpointsOptions> = (app, options, done) => {
  const { oauth, issuer, grantIdOf, countTokenRequest } = options;
  acceptForms(app);
  app.setErrorHandler((error, request, reply) => sendOAuthError(error, request, reply));
  app.addHook('onRoute', (route) => void (route.bodyLimit ??= BODY_LIMIT));
  const { authenticateClient, grants, deviceCodes } = oauth;
  const readClientRequest = createClientRequests({ app, authenticateClient, grantIdOf });

  tokenEndpoint(app, { readClientRequest, grants, countTokenRequest });
  deviceAuthorizationEndpoint(app, { readClientRequest, deviceCodes, verificationUri: `${issuer}/device` });
  done();
};

export const oauthEndpoints = fp(plugin, {
  name: 'oauth-endpoints',
  dependencies: ['security-headers', 'rate-limit'],
  encapsulate: true,
  fastify: '5.x',
});
