/** Sign-in with an identity provider on the login page: the way there, and the page to which the provider's answer returns. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.js';
import type { PendingRequest } from '../../oauth/authorization/pending.js';
import { pendingOf, show, showError, textOf, type PagesContext } from './context.js';
import { redirectPage } from './html.js';
import { PROBLEMS } from './messages.js';

interface Answer {
  readonly request?: unknown;
  readonly code?: unknown;
  readonly error?: unknown;
}

/** Sends a browser that chose a provider there. Not by a redirect, which `form-action` of the page's policy would block. */
export async function startIdentity(
  { signIn, paths }: PagesContext,
  provider: string,
  pending: PendingRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { url } = await signIn.startIdentity(provider, returnTo(paths.identity, pending), request);
  return show(reply, 200, redirectPage(url, 'You continue at the other provider.'));
}

/**
 * @param finish continues after the sign-in
 * @param showAgain shows the login page with an error
 */
export function identityRoute(
  app: FastifyInstance,
  context: PagesContext,
  routes: {
    readonly finish: (
      pending: PendingRequest,
      code: string,
      request: FastifyRequest,
      reply: FastifyReply,
    ) => Promise<FastifyReply>;
    readonly showAgain: (
      pending: PendingRequest,
      error: unknown,
      request: FastifyRequest,
      reply: FastifyReply,
    ) => Promise<FastifyReply>;
  },
): void {
  app.get<{ Querystring: Answer }>('/oauth/login/identity', { exposeHeadRoute: false }, async (request, reply) => {
    const pending = await pendingOf(context, request, reply, textOf(request.query.request));
    if (!pending) return reply;
    if (!(await context.authorization.describe(pending))) return showError(reply, PROBLEMS.client);
    try {
      if (request.query.error !== undefined) throw answerError(textOf(request.query.error));
      return await routes.finish(pending, textOf(request.query.code), request, reply);
    } catch (error) {
      return routes.showAgain(pending, error, request, reply);
    }
  });
}

/** The address to which the flow returns. The code of a flow works with its address only. */
export function returnTo(identityUrl: string, { request }: Pick<PendingRequest, 'request'>): string {
  return `${identityUrl}?request=${request}`;
}

function answerError(error: string): AppError {
  return error === 'access_denied'
    ? new AppError(
        'INVALID_CREDENTIALS',
        'The other provider did not sign you in, or your account there may not sign in here.',
      )
    : new AppError('IDENTITY_PROVIDER_ERROR', 'The other provider failed. Try again, or sign in in another way.');
}
