/**
 * The token of a mailed link in a cookie. The link's address is replaced by one without the token, so that the token is in
 * no browser history, Referer header or access log after the first request (OWASP Forgot Password Cheat Sheet).
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The pages that mailed links open; each has a cookie of its own. */
export type LinkPage = 'reset-password' | 'verify-email' | 'cancel-email-change';

export interface LinkCookies {
  /** Keeps the token for `LINK_COOKIE_SECONDS`, in place of an earlier link's. */
  set(reply: FastifyReply, page: LinkPage, token: string): void;
  /** The cookie's value as the client sent it. */
  read(request: FastifyRequest, page: LinkPage): string | undefined;
}

export interface LinkCookieOptions {
  /** Where mailed links point: APP_URL, or else PUBLIC_URL. */
  readonly pagesUrl: string;
}

/** Long enough to choose a password; the link itself can be opened again. */
export const LINK_COOKIE_SECONDS = 900;

/**
 * Cookies for the mailed pages: out of reach of scripts, and not sent with forms of other sites. `Lax`, because browsers
 * withhold `Strict` cookies from the redirect that a link in a web mail program leads to. Under https at the root of a host
 * the name has the prefix `__Host-`, and other hosts of the domain cannot set the cookie (RFC 6265bis, 4.1.3).
 */
export function createLinkCookies({ pagesUrl }: LinkCookieOptions): LinkCookies {
  const { protocol, pathname } = new URL(pagesUrl);
  const secure = protocol === 'https:';
  const prefix = !secure ? '' : pathname === '/' ? '__Host-' : '__Secure-';
  const nameOf = (page: LinkPage) => `${prefix}latchkey-${page}`;
  const attributes = { path: pathname, httpOnly: true, sameSite: 'lax', secure, maxAge: LINK_COOKIE_SECONDS } as const;
  return {
    set: (reply, page, token) => void reply.setCookie(nameOf(page), token, attributes),
    read: (request, page) => request.cookies[nameOf(page)],
  };
}

/**
 * What a form holds in place of the token. The server compares it with the cookie, so a form acts on the link that it was
 * made for and on no link that was opened later, and another site cannot send it (double submit).
 */
export function formKey(token: string): string {
  return createHash('sha256').update(`form of a mailed link|${token}`).digest('base64url');
}
