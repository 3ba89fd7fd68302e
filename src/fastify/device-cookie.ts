/**
 * Stores the token of a known device in an HttpOnly cookie for this host (RFC 6265bis). The token only gives login attempts a
 * separate rate limit. It grants no access, so requests with it need no check of their origin.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { deviceHash, type RememberedDevice } from '../known-devices/service.js';
import { cookieName } from './cookie-name.js';

/** The device cookie of one request. */
export interface DeviceCookie {
  /** The hash of the token in the request; undefined if the token is missing or malformed. */
  readonly hash: string | undefined;
  /** Sets the cookie, or extends the one in the request. Does nothing for a page of a foreign origin. */
  set(device: RememberedDevice): void;
}

/** @param isOwnForm as for `ReadRefreshCookie` */
export type ReadDeviceCookie = (request: FastifyRequest, reply: FastifyReply, isOwnForm?: boolean) => DeviceCookie;

/** For WebSockets, which have no response to set a cookie on. */
export const NO_DEVICE: DeviceCookie = { hash: undefined, set: () => undefined };

export interface DeviceCookieOptions {
  /** Adds a prefix and Secure, which browsers accept over TLS only. */
  readonly production: boolean;
  /** The path of PUBLIC_URL, so that two deployments on one host do not replace each other's cookies. */
  readonly path: string;
  /** Origins whose pages may receive the cookie. */
  readonly origins: readonly string[];
}

export function createDeviceCookies({ production, path, origins }: DeviceCookieOptions): ReadDeviceCookie {
  const name = cookieName('latchkey-device', production, path);
  const allowed = new Set(origins);
  const attributes = { path, httpOnly: true, sameSite: 'strict', secure: production } as const;

  return (request, reply, isOwnForm = false) => {
    const { origin } = request.headers;
    const present = request.cookies[name];
    return {
      hash: deviceHash(present),
      set({ token = present, expiresAt }) {
        if (token === undefined || (!isOwnForm && origin !== undefined && !allowed.has(origin))) return;
        void reply.setCookie(name, token, { ...attributes, expires: expiresAt });
      },
    };
  };
}
