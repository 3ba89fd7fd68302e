/** `/oauth/logout` (OpenID Connect RP-Initiated Logout 1.0). It asks the person unless an ID token names the browser's session. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientOf } from '../../fastify/client.js';
import { isCrossSite } from '../../fastify/cross-site.js';
import type { BrowserSession } from '../../oauth/authorization/browser-sessions.js';
import type { LogoutRequest } from '../../oauth/authorization/logout.js';
import { sessionOf, show, showError, type PagesContext } from './context.js';
import { formKey } from './cookies.js';
import { logoutPage, redirectPage } from './html.js';
import { CROSS_SITE, OTHER_FORM, PROBLEMS, SIGNED_OUT } from './messages.js';

/** A request by POST continues with GET, so it must fit into a URL. */
const BODY_LIMIT = 12_288;

export function logoutRoutes(app: FastifyInstance, context: PagesContext): void {
  const { logout, cookies, paths, origins } = context;

  async function end(
    wanted: LogoutRequest,
    session: BrowserSession | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    if (session) await logout.end(wanted, session, clientOf(request));
    cookies.clearSession(reply);
  }

  /** The key of the confirmation is bound to the request, the browser and the session. */
  const keyOf = (search: string, browser: string, session: BrowserSession) =>
    formKey('logout', browser, search, session.session.id);

  app.get('/oauth/logout', { exposeHeadRoute: false }, async (request, reply) => {
    const at = request.url.indexOf('?');
    const search = at === -1 ? '' : request.url.slice(at + 1);
    const wanted = await logout.read(search);
    if (typeof wanted === 'string') return showError(reply, PROBLEMS[wanted]);
    const session = await sessionOf(context, request);
    if (session && session.session.id !== wanted.hintedSessionId) {
      const key = keyOf(search, cookies.ensureBrowser(request, reply), session);
      return show(reply, 200, logoutPage({ search, key, session }, paths));
    }
    await end(wanted, session, request, reply);
    return wanted.returnTo === undefined ? show(reply, 200, SIGNED_OUT) : reply.redirect(wanted.returnTo, 303);
  });

  app.post('/oauth/logout', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const body = typeof request.body === 'string' ? request.body : '';
    const fields = new URLSearchParams(body);
    const [search, key] = [fields.get('search'), fields.get('key')];
    // A request of a client, which browsers send without `SameSite=Lax` cookies.
    if (search === null || key === null) return reply.redirect(`${paths.logout}?${fields.toString()}`, 303);
    if (isCrossSite(request, origins)) return showError(reply, CROSS_SITE);
    const wanted = await logout.read(search);
    if (typeof wanted === 'string') return showError(reply, PROBLEMS[wanted]);
    const session = await sessionOf(context, request);
    if (!session || key !== keyOf(search, cookies.browserOf(request) ?? '', session))
      return showError(reply, OTHER_FORM);
    await end(wanted, session, request, reply);
    return show(reply, 200, wanted.returnTo === undefined ? SIGNED_OUT : redirectPage(wanted.returnTo));
  });
}
