/**
 * Stores the token of a mailed link in a cookie. The page then redirects to a URL without the token, which keeps the token out of
 * browser history, Referer headers and later access logs (OWASP Forgot Password Cheat Sheet).
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieName } from '../fastify/cookie-name.js';

/** The pages behind mailed links. Each has a separate cookie. */
export type LinkPage = 'reset-password' | 'verify-email' | 'cancel-email-change' | 'email-code';

export interface LinkCookies {
  /** Stores the token for `LINK_COOKIE_SECONDS` and replaces that of an earlier link. */
  set(reply: FastifyReply, page: LinkPage, token: string): void;
  /** The unvalidated value of the cookie. */
  read(request: FastifyRequest, page: LinkPage): string | undefined;
}

export interface LinkCookieOptions {
  /** Base URL of mailed links: APP_URL, or else PUBLIC_URL. */
  readonly pagesUrl: string;
}

const TOKEN = /^[\w-]{1,64}$/;
/** Long enough to choose a password. The link can be opened again. */
export const LINK_COOKIE_SECONDS = 900;

/**
 * Creates the cookies: HttpOnly, and not sent with forms of other sites. `Lax`, because browsers omit `Strict` cookies from the
 * redirect after a link in webmail. With https, the prefix of their names prevents other hosts of the domain from setting them.
 */
export function createLinkCookies({ pagesUrl }: LinkCookieOptions): LinkCookies {
  const { protocol, pathname } = new URL(pagesUrl);
  const secure = protocol === 'https:';
  const nameOf = (page: LinkPage) => cookieName(`latchkey-${page}`, secure, pathname);
  const attributes = { path: pathname, httpOnly: true, sameSite: 'lax', secure, maxAge: LINK_COOKIE_SECONDS } as const;
  return {
    set: (reply, page, token) => void reply.setCookie(nameOf(page), token, attributes),
    read: (request, page) => request.cookies[nameOf(page)],
  };
}

/** A token of a URL or a cookie; undefined if it is malformed. */
export function validToken(token: unknown): string | undefined {
  return typeof token === 'string' && TOKEN.test(token) ? token : undefined;
}

/**
 * The value that a form contains in place of the token. The server compares it with the cookie (double submit), so the form only
 * acts on the link that it was rendered for, and other sites cannot forge it.
 */
export function formKey(token: string): string {
  return createHash('sha256').update(`form of a mailed link|${token}`).digest('base64url');
}
