/**
 * Stores the refresh token in an HttpOnly cookie for this host (RFC 6265bis). Browsers attach cookies to cross-site requests, so a
 * request with the cookie must have an allowed Origin (OWASP Cross-Site Request Forgery Prevention Cheat Sheet: verifying the
 * origin). SameSite is the second defence.
 */
import cookie from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../lib/errors.js';
import { cookieName } from './cookie-name.js';

/** The refresh cookie of one request. */
export interface RefreshCookie {
  /** The token in the request. */
  read(): string | undefined;
  /** Call it before work that ends with `set`. @throws AppError QUERY_REJECTED if the request may not set the cookie */
  assertAllowed(): void;
  /** Sets the cookie; without `expiresAt` until the browser closes. */
  set(token: string, expiresAt: Date | undefined): void;
  /** Deletes the cookie if the request has one. */
  clear(): void;
}

/**
 * Reads the cookie of a request.
 * @param isOwnForm the request is a form of our own pages, as its form key proves. Browsers send no Origin with it
 * @throws AppError QUERY_REJECTED if the request has the cookie and no allowed Origin
 */
export type ReadRefreshCookie = (request: FastifyRequest, reply: FastifyReply, isOwnForm?: boolean) => RefreshCookie;

/** For WebSockets, which cannot set cookies. */
export const NO_COOKIE: RefreshCookie = {
  read: () => undefined,
  assertAllowed: () => {
    throw new AppError('QUERY_REJECTED', 'The refresh cookie cannot be set over WebSocket; use HTTP.');
  },
  set: () => undefined,
  clear: () => undefined,
};

export interface RefreshCookieOptions {
  /** Adds a prefix and Secure, which browsers accept over TLS only. */
  readonly production: boolean;
  /** The path of PUBLIC_URL. */
  readonly path: string;
  /** Origins whose pages may send and receive the cookie. */
  readonly origins: readonly string[];
}

export function refreshCookieName(production: boolean, path: string): string {
  return cookieName('latchkey-refresh', production, path);
}

/** Parses and sets cookies on requests and replies. */
export const cookiePlugin = fp(
  async (app) => {
    await app.register(cookie);
  },
  { name: 'cookies', fastify: '5.x' },
);

export function createRefreshCookies({ production, path, origins }: RefreshCookieOptions): ReadRefreshCookie {
  const name = refreshCookieName(production, path);
  const allowed = new Set(origins);
  const attributes = { path, httpOnly: true, sameSite: 'strict', secure: production } as const;

  return (request, reply, isOwnForm = false) => {
    const { origin } = request.headers;
    // GET runs only queries, which do not use the cookie.
    const token = request.method === 'GET' ? undefined : request.cookies[name];
    const isAllowed = isOwnForm || (origin !== undefined && allowed.has(origin));
    if (token !== undefined && !isAllowed) throw foreignOrigin();
    return {
      read: () => token,
      assertAllowed() {
        // A foreign page must not set it. Clients that are no browser send no Origin.
        if (origin !== undefined && !isAllowed) throw foreignOrigin();
      },
      set(next, expiresAt) {
        void reply.setCookie(name, next, { ...attributes, ...(expiresAt ? { expires: expiresAt } : {}) });
      },
      clear() {
        if (token !== undefined) void reply.clearCookie(name, attributes);
      },
    };
  };
}

function foreignOrigin(): AppError {
  return new AppError(
    'QUERY_REJECTED',
    'The refresh cookie is only accepted from the origins of PUBLIC_URL and CORS_ORIGINS.',
  );
}
