/** `/oauth/authorize` (RFC 6749 section 3.1). */
import type { FastifyInstance } from 'fastify';
import { sendStep, sessionOf, type PagesContext } from './context.js';

/** A request by POST continues with GET, so it must fit into a URL. */
const BODY_LIMIT = 12_288;

export function authorizeRoutes(app: FastifyInstance, context: PagesContext): void {
  const { authorization, cookies, paths } = context;

  app.get('/oauth/authorize', { exposeHeadRoute: false }, async (request, reply) => {
    const browser = cookies.ensureBrowser(request, reply);
    const step = await authorization.begin(searchOf(request.url), browser, await sessionOf(context, request));
    return sendStep(context, request, reply, step, false);
  });

  // Browsers send no `SameSite=Lax` cookies with a form of another site, but they do with the GET that follows.
  app.post('/oauth/authorize', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const search = new URLSearchParams(typeof request.body === 'string' ? request.body : '').toString();
    return reply.redirect(`${paths.authorize}?${search}`, 303);
  });
}

/** The query string as it came: Fastify's parser would merge repeated parameters. */
function searchOf(url: string): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at + 1);
}
