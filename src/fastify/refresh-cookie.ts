/**
 * The refresh token in a cookie (RFC 6265bis): out of reach for scripts, for this host alone, and only for requests that
 * pages of allowed origins make. A browser sends it unasked, so whoever bears it must say where they come from (OWASP
 * Cross-Site Request Forgery Prevention Cheat Sheet: verifying the origin; SameSite comes on top of it).
 */
import cookie from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { AppError } from '../lib/errors.js';

/** The cookie of one request. */
export interface RefreshCookie {
  /** The token that came with the request. */
  read(): string | undefined;
  /** Whether it may be set: asked before work that ends with it. @throws AppError QUERY_REJECTED for a foreign page */
  assertAllowed(): void;
  /** Sets the cookie; without `expiresAt` it goes when the browser closes. */
  set(token: string, expiresAt: Date | undefined): void;
  /** Takes the cookie away where the request bore one. */
  clear(): void;
}

/**
 * The cookie of a request.
 * @throws AppError QUERY_REJECTED when the request bears it and does not come from an allowed origin
 */
export type ReadRefreshCookie = (request: FastifyRequest, reply: FastifyReply) => RefreshCookie;

/** Where there is no request to bear a cookie, and no response to set one: over a WebSocket. */
export const NO_COOKIE: RefreshCookie = {
  read: () => undefined,
  assertAllowed: () => {
    throw new AppError('QUERY_REJECTED', 'Cookies are set over HTTP.');
  },
  set: () => undefined,
  clear: () => undefined,
};

export interface RefreshCookieOptions {
  /** `__Host-` and Secure; without TLS browsers take neither. */
  readonly production: boolean;
  /** The path of PUBLIC_URL. */
  readonly path: string;
  /** Origins whose pages may bear and get it. */
  readonly origins: readonly string[];
}

/** The cookie's name: `__Host-` binds it to this host, https and the path `/`; with another path, `__Secure-` to https. */
export function refreshCookieName(production: boolean, path: string): string {
  const prefix = path === '/' ? '__Host-' : '__Secure-';
  return `${production ? prefix : ''}latchkey-refresh`;
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

  return (request, reply) => {
    const { origin } = request.headers;
    // A GET runs queries alone, which have no use for it.
    const token = request.method === 'GET' ? undefined : request.cookies[name];
    const isAllowed = origin !== undefined && allowed.has(origin);
    if (token !== undefined && !isAllowed) throw foreign();
    return {
      read: () => token,
      assertAllowed() {
        // Not to be planted by a page of somebody else; what is no browser sends no Origin.
        if (origin !== undefined && !isAllowed) throw foreign();
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

function foreign(): AppError {
  return new AppError('QUERY_REJECTED', 'The refresh cookie is for pages of PUBLIC_URL and CORS_ORIGINS.');
}
