/**
 * Where browsers pass on their way to an identity provider and back: redirects, and a page for each case in which there is no
 * address to return to.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { cookieName } from '../../fastify/cookie-name.js';
import { toAppError } from '../../fastify/errors.js';
import { FLOW_TTL_MS, type FlowStep, type IdentityFlows } from '../../identities/flows.js';
import { randomSecret } from '../../oauth/secret.js';
import { acceptForms } from '../../rest/form.js';
import { messagePage } from '../html.js';
import { PAGES_CSP, type Html } from '../layout.js';

export interface IdentityPagesOptions {
  readonly flows: Pick<IdentityFlows, 'providers' | 'redirect' | 'complete'>;
  readonly publicUrl: string;
}

/** Enough for the code, the state and the names that Apple posts. */
const BODY_LIMIT = 16_384;
const BROWSER = /^[\w-]{43}$/;

const PAGES: Readonly<Record<'expired' | 'other_browser', { readonly status: number; readonly html: Html }>> = {
  expired: {
    status: 400,
    html: messagePage(
      'This sign-in is no longer valid',
      'It has expired, or it was finished before. Return to the application and sign in there again.',
      true,
    ),
  },
  other_browser: {
    status: 403,
    html: messagePage(
      'This sign-in belongs to another browser',
      'It was started in another browser, or this browser keeps no cookies. Nobody was signed in. Return to the application and sign in there again.',
      true,
    ),
  },
};

const plugin: FastifyPluginCallback<IdentityPagesOptions> = (app, { flows, publicUrl }, done) => {
  const cookie = browserCookie(publicUrl);

  function send(reply: FastifyReply, step: FlowStep): FastifyReply {
    void reply.header('cache-control', 'no-store');
    if (step.kind === 'redirect') return reply.redirect(step.url, 303);
    const { status, html } = PAGES[step.problem];
    return reply.code(status).header('content-security-policy', PAGES_CSP).type('text/html; charset=utf-8').send(html);
  }

  acceptForms(app);
  app.setErrorHandler((thrown, request, reply) => {
    const error = toAppError(thrown, request.id);
    if (error.code !== 'SERVICE_UNAVAILABLE') throw thrown;
    request.errorCode = error.code;
    request.failure = error;
    void reply.code(error.status).header('retry-after', error.details.retryAfter ?? 1);
    const html = messagePage('Something went wrong', 'The service is not available. Try again in a moment.', true);
    return reply.header('content-security-policy', PAGES_CSP).type('text/html; charset=utf-8').send(html);
  });

  app.get<{ Querystring: { flow?: unknown } }>('/identities/start', noHead, async (request, reply) => {
    const { flow } = request.query;
    const browser = cookie.read(request) ?? randomSecret();
    const step = await flows.redirect(typeof flow === 'string' ? flow : '', browser);
    if (step.kind === 'redirect') cookie.set(reply, browser);
    return send(reply, step);
  });

  app.get<{ Params: { provider: string } }>('/identities/callback/:provider', noHead, async (request, reply) =>
    send(reply, await flows.complete(request.params.provider, queryOf(request), cookie.read(request))),
  );

  postedCallback(app, flows);
  done();
};

/** A HEAD request must not consume anything. */
const noHead = { exposeHeadRoute: false };

/**
 * Providers that post a form do so from their own site, so the browser leaves out the cookie. It sends the cookie with the redirect
 * to the same address.
 */
function postedCallback(app: FastifyInstance, flows: Pick<IdentityFlows, 'providers'>): void {
  app.post<{ Params: { provider: string } }>(
    '/identities/callback/:provider',
    { bodyLimit: BODY_LIMIT },
    async (request, reply) => {
      const { provider } = request.params;
      if (!flows.providers.get(provider)?.postsCallback) return reply.callNotFound();
      const fields = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
      void reply.header('cache-control', 'no-store');
      // Relative, so that it is right behind a proxy that strips a prefix.
      return reply.redirect(`${encodeURIComponent(provider)}?${fields.toString()}`, 303);
    },
  );
}

function queryOf(request: FastifyRequest): URLSearchParams {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at === -1 ? '' : request.url.slice(at + 1));
}

/** The cookie that binds a flow to the browser. `Lax`: the browser sends it when the provider redirects back. */
function browserCookie(publicUrl: string) {
  const { protocol, pathname: path } = new URL(publicUrl);
  const secure = protocol === 'https:';
  const name = cookieName('latchkey-identity', secure, path);
  const attributes = { path, httpOnly: true, sameSite: 'lax', secure, maxAge: FLOW_TTL_MS / 1000 } as const;
  return {
    read({ cookies }: FastifyRequest): string | undefined {
      const value = cookies[name];
      return value !== undefined && BROWSER.test(value) ? value : undefined;
    },
    set: (reply: FastifyReply, value: string) => void reply.setCookie(name, value, attributes),
  };
}

export const identityPages = fp(plugin, {
  name: 'identity-pages',
  dependencies: ['security-headers', 'cookies'],
  encapsulate: true,
  fastify: '5.x',
});
