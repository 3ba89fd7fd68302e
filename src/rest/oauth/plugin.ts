/** The HTTP endpoints of the OAuth 2.0 and OpenID Connect provider, except its pages. */
import type { FastifyPluginCallback } from 'fastify';
import fp from 'fastify-plugin';
import type { OAuth } from '../../oauth/create.js';
import { ENDPOINTS, type MetadataOptions } from '../../oauth/metadata.js';
import { acceptForms } from '../form.js';
import { createClientRequests, type ClientRequestsOptions } from './client.js';
import { deviceAuthorizationEndpoint } from './device-authorization.js';
import { discovery } from './discovery.js';
import { sendOAuthError } from './errors.js';
import { introspectionEndpoint } from './introspect.js';
import { openCors } from './open-cors.js';
import { refuseOtherMethods } from './other-methods.js';
import { revocationEndpoint } from './revoke.js';
import { tokenEndpoint, type TokenEndpointOptions } from './token.js';
import { userinfoEndpoint, type UserinfoEndpointOptions } from './userinfo.js';

export interface OAuthEndpointsOptions
  extends
    Pick<TokenEndpointOptions, 'countTokenRequest'>,
    Pick<ClientRequestsOptions, 'countClientFailure'>,
    UserinfoEndpointOptions,
    Omit<MetadataOptions, 'serves' | 'grantTypes'> {
  readonly oauth: OAuth;
  /** The grant of an authentic refresh token. */
  grantIdOf(refreshToken: string): string | undefined;
}

/** Enough for a client assertion and a long list of scopes. */
const BODY_LIMIT = 16_384;

const plugin: FastifyPluginCallback<OAuthEndpointsOptions> = (app, options, done) => {
  const { oauth, issuer, grantIdOf, countTokenRequest, countClientFailure } = options;
  const { authenticateClient, recordClientFailure, grants, deviceCodes, inspectToken, revokeToken } = oauth;
  acceptForms(app);
  app.setErrorHandler((error, request, reply) => sendOAuthError(error, request, reply));
  app.addHook('onRoute', (route) => void (route.bodyLimit ??= BODY_LIMIT));
  const readClientRequest = createClientRequests({
    app,
    authenticateClient,
    recordClientFailure,
    countClientFailure,
    grantIdOf,
  });

  openCors(app, [ENDPOINTS.token_endpoint, ENDPOINTS.userinfo_endpoint, ENDPOINTS.revocation_endpoint]);
  tokenEndpoint(app, { readClientRequest, grants, countTokenRequest });
  deviceAuthorizationEndpoint(app, { readClientRequest, deviceCodes, verificationUri: `${issuer}/device` });
  revocationEndpoint(app, { readClientRequest, revokeToken });
  introspectionEndpoint(app, { readClientRequest, inspectToken });
  userinfoEndpoint(app, options);
  discovery(app, { ...options, grantTypes: [...grants.keys()] });
  refuseOtherMethods(app, [
    ENDPOINTS.token_endpoint,
    ENDPOINTS.userinfo_endpoint,
    ENDPOINTS.revocation_endpoint,
    ENDPOINTS.introspection_endpoint,
    ENDPOINTS.device_authorization_endpoint,
  ]);
  done();
};

export const oauthEndpoints = fp(plugin, {
  name: 'oauth-endpoints',
  dependencies: ['security-headers', 'rate-limit'],
  encapsulate: true,
  fastify: '5.x',
});
