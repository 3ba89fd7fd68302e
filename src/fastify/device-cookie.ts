/**
 * The token of a known device in a cookie (RFC 6265bis): out of reach for scripts, for this host alone. It gives login
 * attempts a budget of their own and opens nothing, so a request that bears it needs no check of its origin.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { deviceHash, type RememberedDevice } from '../known-devices/service.js';

/** The device cookie of one request. */
export interface DeviceCookie {
  /** The hash of the token that came with the request; undefined for none, and for what is no token. */
  readonly hash: string | undefined;
  /** Sets the cookie, or extends the one that the request bore. A page of a foreign origin gets none. */
  set(device: RememberedDevice): void;
}

export type ReadDeviceCookie = (request: FastifyRequest, reply: FastifyReply) => DeviceCookie;

/** Where there is no response to set a cookie: over a WebSocket. */
export const NO_DEVICE: DeviceCookie = { hash: undefined, set: () => undefined };

export interface DeviceCookieOptions {
  /** `__Host-` and Secure; without TLS browsers take neither. */
  readonly production: boolean;
  /** Origins whose pages may get it. */
  readonly origins: readonly string[];
}

export function createDeviceCookies({ production, origins }: DeviceCookieOptions): ReadDeviceCookie {
  const name = production ? '__Host-latchkey-device' : 'latchkey-device';
  const allowed = new Set(origins);
  const attributes = { path: '/', httpOnly: true, sameSite: 'strict', secure: production } as const;

  return (request, reply) => {
    const { origin } = request.headers;
    const present = request.cookies[name];
    return {
      hash: deviceHash(present),
      set({ token = present, expiresAt }) {
        if (token === undefined || (origin !== undefined && !allowed.has(origin))) return;
        void reply.setCookie(name, token, { ...attributes, expires: expiresAt });
      },
    };
  };
}
