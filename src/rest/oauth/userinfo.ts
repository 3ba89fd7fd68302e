/** `GET|POST /oauth/userinfo` (OpenID Connect Core 1.0 section 5.3). The token is used as RFC 6750 section 2 says. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccountPrincipal } from '../../authn/strategy.js';
import { AppError } from '../../lib/errors.js';
import { accountClaims } from '../../oauth/claims.js';
import { OAuthError } from '../../oauth/error.js';
import { parseParameters } from '../form.js';
import { sendOAuthError } from './errors.js';

export interface UserinfoEndpointOptions {
  /** Authenticates the header of a request. @throws AppError */
  authenticate(request: FastifyRequest): Promise<AccountPrincipal>;
  /** Authenticates an access token of a form. @throws AppError */
  authenticateToken(token: string, request: FastifyRequest): Promise<AccountPrincipal>;
}

/** Errors of a credential, which all mean `invalid_token`. */
const REFUSALS: ReadonlySet<string> = new Set([
  'INVALID_TOKEN',
  'TOKEN_EXPIRED',
  'USER_NOT_FOUND',
  'ACCOUNT_DISABLED',
  'INVALID_API_KEY',
]);

export function userinfoEndpoint(app: FastifyInstance, options: UserinfoEndpointOptions): void {
  /** @throws OAuthError; AppError SERVICE_UNAVAILABLE, and MISSING_TOKEN without a token */
  async function authenticate(request: FastifyRequest): Promise<AccountPrincipal> {
    const form = parseParameters(typeof request.body === 'string' ? request.body : '');
    const token = form.get('access_token');
    if (token !== undefined && request.headers.authorization !== undefined)
      throw new OAuthError('invalid_request', 'The token was sent twice.');
    return token === undefined ? options.authenticate(request) : options.authenticateToken(token, request);
  }

  app.route({
    method: ['GET', 'POST'],
    url: '/oauth/userinfo',
    config: { countAfterBody: true },
    errorHandler: (error, request, reply) => void sendBearerError(error, request, reply),
    async handler(request, reply) {
      const { subject, credential, scopes, mustEnroll } = await authenticate(request);
      const isDelegated = subject.kind === 'user' && credential.kind === 'oauth';
      if (!isDelegated || mustEnroll || !scopes.has('openid'))
        throw new OAuthError('insufficient_scope', 'The access token lacks the scope openid.');
      return reply
        .header('cache-control', 'no-store')
        .send({ sub: subject.user.id, ...accountClaims(subject.user, [...scopes]) });
    },
  });
}

/** RFC 6750 section 3. */
function sendBearerError(thrown: Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (thrown instanceof AppError && thrown.code === 'MISSING_TOKEN') {
    request.errorCode = thrown.code;
    // Without a token, the challenge has no error code (section 3.1).
    return reply.code(401).header('www-authenticate', 'Bearer realm="userinfo"').send({});
  }
  const error =
    thrown instanceof AppError && REFUSALS.has(thrown.code)
      ? new OAuthError('invalid_token', 'The access token is not valid, has expired or was revoked.')
      : thrown;
  if (error instanceof OAuthError) {
    const scope = error.code === 'insufficient_scope' ? ', scope="openid"' : '';
    const challenge = `Bearer realm="userinfo", error="${error.code}", error_description="${error.message}"${scope}`;
    void reply.header('www-authenticate', challenge);
  }
  return sendOAuthError(error, request, reply);
}
