/**
 * The pages of the OAuth provider: authorization endpoint, login, consent and logout. Server-rendered; they need no script except
 * for passkeys.
 */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { toAppError } from '../../fastify/errors.js';
import type { ErrorCode } from '../../lib/errors.js';
import { AuthorizationFailure } from '../../oauth/authorization/failure.js';
import { toOAuthError } from '../../rest/oauth/errors.js';
import { acceptForms } from '../../rest/form.js';
import { messagePage } from '../html.js';
import { authorizeRoutes } from './authorize.js';
import { consentRoutes } from './consent.js';
import { deviceRoutes } from './device.js';
import { noteError, sendStep, show, type PagesContext } from './context.js';
import type { OAuthPaths } from './html.js';
import { loginRoutes } from './login.js';
import { logoutRoutes } from './logout.js';

/** Errors that a page explains. The app's error handler answers others. */
const SHOWN: ReadonlySet<ErrorCode> = new Set([
  'QUERY_REJECTED',
  'RATE_LIMIT_EXCEEDED',
  'SERVICE_UNAVAILABLE',
  'INTERNAL_ERROR',
]);

/** @param publicUrl PUBLIC_URL */
export function createOAuthPaths(publicUrl: string): OAuthPaths {
  const base = new URL(publicUrl).pathname.replace(/\/$/, '');
  return {
    login: `${base}/oauth/login`,
    consent: `${base}/oauth/consent`,
    logout: `${base}/oauth/logout`,
    authorize: `${base}/oauth/authorize`,
    device: `${base}/device`,
    /** Absolute: the browser comes from another site. */
    identity: `${publicUrl}/oauth/login/identity`,
    passkeyScript: `${base}/oauth/passkey.js`,
    passkeyStart: `${base}/oauth/login/passkey`,
  };
}

const plugin: FastifyPluginCallback<{ readonly context: PagesContext }> = (app, { context }, done) => {
  acceptForms(app);
  app.setErrorHandler((thrown, request, reply) => {
    if (thrown instanceof AuthorizationFailure) return sendFailure(context, thrown, request, reply);
    const error = toAppError(thrown, request.id);
    if (!SHOWN.has(error.code)) throw thrown;
    noteError(error, request, reply);
    return show(reply, error.status, messagePage('Something went wrong', error.message, true));
  });
  authorizeRoutes(app, context);
  loginRoutes(app, context);
  consentRoutes(app, context);
  logoutRoutes(app, context);
  deviceRoutes(app, context);
  done();
};

/** Informs the client that the service failed, and logs why. */
function sendFailure(
  context: PagesContext,
  { cause, toClient }: AuthorizationFailure,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { error } = toOAuthError(cause, request.id);
  noteError(toAppError(cause, request.id), request, reply);
  return sendStep(context, request, reply, toClient(error), request.method === 'POST');
}

export const oauthPages = fp(plugin, {
  name: 'oauth-pages',
  dependencies: ['security-headers', 'cookies'],
  encapsulate: true,
  fastify: '5.x',
});
