/**
 * The cookies of the provider's pages (RFC 6265bis): one binds authorization requests to a browser, one holds its session. `Lax`,
 * because browsers omit `Strict` cookies when another site links to the authorization endpoint.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieName } from '../../fastify/cookie-name.js';
import type { BrowserSessions } from '../../oauth/authorization/browser-sessions.js';
import { isToken } from '../../oauth/authorization/pending.js';
import { randomSecret } from '../../oauth/secret.js';
import type { SessionCookie } from '../cookie-sign-in.js';

export interface OAuthCookies extends SessionCookie {
  /** The random bits that name the browser; undefined without the cookie. */
  browserOf(request: FastifyRequest): string | undefined;
  /** As `browserOf`, but sets the cookie if there is none. */
  ensureBrowser(request: FastifyRequest, reply: FastifyReply): string;
  /** The unverified value of the session cookie. */
  sessionToken(request: FastifyRequest): string | undefined;
  /** Deletes the session cookie. */
  clearSession(reply: FastifyReply): void;
}

/** @param publicUrl PUBLIC_URL. With https, the prefix of the names prevents other hosts of the domain from setting the cookies. */
export function createOAuthCookies(
  publicUrl: string,
  sessions: Pick<BrowserSessions, 'tokenOf' | 'idOf'>,
): OAuthCookies {
  const { protocol, pathname: path } = new URL(publicUrl);
  const secure = protocol === 'https:';
  const names = {
    browser: cookieName('latchkey-browser', secure, path),
    session: cookieName('latchkey-session', secure, path),
  };
  const attributes = { path, httpOnly: true, sameSite: 'lax', secure } as const;
  const sessionToken = (request: FastifyRequest) => request.cookies[names.session];

  function browserOf({ cookies }: FastifyRequest): string | undefined {
    const value = cookies[names.browser];
    return isToken(value) ? value : undefined;
  }

  return {
    browserOf,
    ensureBrowser(request, reply) {
      const present = browserOf(request);
      if (present !== undefined) return present;
      const created = randomSecret();
      void reply.setCookie(names.browser, created, attributes);
      return created;
    },
    sessionToken,
    sessionOf: (request) => sessions.idOf(sessionToken(request) ?? ''),
    set: (_request, reply, { session }) =>
      void reply.setCookie(names.session, sessions.tokenOf(session.id), attributes),
    clearSession: (reply) => void reply.clearCookie(names.session, attributes),
  };
}

/**
 * The hidden key of a form: it names the form, the request, the browser and, where it matters, the session that the form was
 * rendered for. Other sites cannot forge it, because they do not know the browser's cookie.
 */
export function formKey(
  form: 'login' | 'consent' | 'device' | 'logout',
  browser: string,
  ...bindings: readonly string[]
): string {
  return createHash('sha256')
    .update(JSON.stringify(['form of the provider', form, browser, ...bindings]))
    .digest('base64url');
}
