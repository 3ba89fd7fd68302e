/** `/oauth/consent`: asks the person whether the client may have what it asks for. */
import type { FastifyInstance } from 'fastify';
import { clientOf } from '../../fastify/client.js';
import { pendingOf, sendStep, sessionOf, showError, submitted, textOf, type PagesContext } from './context.js';
import { UNCLEAR } from './messages.js';

const BODY_LIMIT = 8192;

export function consentRoutes(app: FastifyInstance, context: PagesContext): void {
  const { authorization } = context;

  // Without HEAD: a request that needs no consent any more is answered, which issues the code.
  const options = { exposeHeadRoute: false };
  app.get<{ Querystring: { request?: unknown } }>('/oauth/consent', options, async (request, reply) => {
    const pending = await pendingOf(context, request, reply, textOf(request.query.request));
    if (!pending) return reply;
    const step = await authorization.resume(pending, await sessionOf(context, request));
    return sendStep(context, request, reply, step, false);
  });

  app.post('/oauth/consent', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const form = await submitted(context, request, reply, 'consent');
    if (!form) return reply;
    const { fields, pending, session } = form;
    const decision = fields.get('decision');
    if (decision !== 'allow' && decision !== 'deny') return showError(reply, UNCLEAR);
    const step = await authorization[decision](pending, session, clientOf(request));
    return sendStep(context, request, reply, step, true);
  });
}
