/**
 * Binds a second-factor challenge to the browser of the first step, if that browser gets its refresh token in a cookie
 * (RFC 6265bis). The token grants nothing without the challenge and the factor.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieName } from './cookie-name.js';

/** The challenge cookie of one request. */
export interface ChallengeCookie {
  /** The token in the request. */
  readonly token: string | undefined;
  set(token: string, expiresAt: Date): void;
  /** Deletes the cookie if the request has one. */
  clear(): void;
}

export type ReadChallengeCookie = (request: FastifyRequest, reply: FastifyReply) => ChallengeCookie;

/** For WebSockets, which cannot set cookies. */
export const NO_CHALLENGE: ChallengeCookie = { token: undefined, set: () => undefined, clear: () => undefined };

export interface ChallengeCookieOptions {
  /** Adds a prefix and Secure, which browsers accept over TLS only. */
  readonly production: boolean;
  /** The path of PUBLIC_URL, so that two deployments on one host do not replace each other's cookies. */
  readonly path: string;
}

export function createChallengeCookies({ production, path }: ChallengeCookieOptions): ReadChallengeCookie {
  const name = cookieName('latchkey-challenge', production, path);
  const attributes = { path, httpOnly: true, sameSite: 'strict', secure: production } as const;

  return (request, reply) => {
    const token = request.cookies[name];
    return {
      token,
      set: (next, expires) => void reply.setCookie(name, next, { ...attributes, expires }),
      clear() {
        if (token !== undefined) void reply.clearCookie(name, attributes);
      },
    };
  };
}
