/** Signs a browser in from a form of our own pages: the session, the device and a challenge go into cookies. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ReadChallengeCookie } from '../fastify/challenge-cookie.js';
import { clientOf } from '../fastify/client.js';
import type { ReadDeviceCookie } from '../fastify/device-cookie.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import type { Revocation } from '../sessions/revocation.js';
import type { IssuedSession } from '../sessions/service.js';
import { isChallenged, type SignIn } from '../sessions/sign-in.js';

/** The cookie that holds the session. */
export interface SessionCookie {
  /** The session of the cookie in the request, live or not. */
  sessionOf(request: FastifyRequest, reply: FastifyReply): string | undefined;
  set(request: FastifyRequest, reply: FastifyReply, opened: IssuedSession): void;
}

/**
 * Runs `enter`, which opens a session with the transport COOKIE, and sets the cookies. Ends the session of a cookie that is
 * replaced. Call it only after the form key and the site of the request were checked.
 * @param enter gets the token of the challenge cookie
 */
export type CookieSignIn = (
  request: FastifyRequest,
  reply: FastifyReply,
  enter: (client: ClientInfo, browserToken: string | undefined) => Promise<SignIn>,
) => Promise<SignIn>;

export interface CookieSignInOptions {
  readonly deviceCookie: ReadDeviceCookie;
  readonly challengeCookie: ReadChallengeCookie;
  readonly revocation: Pick<Revocation, 'endReplaced'>;
  readonly devices: Pick<KnownDevices, 'remember'>;
  /** Counts logins by outcome, for metrics. */
  countLogin(outcome: string): void;
}

export function createCookieSignIn(options: CookieSignInOptions, cookie: SessionCookie): CookieSignIn {
  const { revocation, devices, countLogin } = options;

  async function counted(enter: () => Promise<SignIn>): Promise<SignIn> {
    try {
      const signIn = await enter();
      countLogin(isChallenged(signIn) ? 'second_factor_required' : 'success');
      return signIn;
    } catch (error) {
      countLogin(error instanceof AppError ? error.code.toLowerCase() : 'error');
      throw error;
    }
  }

  return async (request, reply, enter) => {
    const device = options.deviceCookie(request, reply, true);
    const challenge = options.challengeCookie(request, reply);
    const address = clientOf(request);
    const client = device.hash === undefined ? address : { ...address, device: device.hash };
    const entered = await counted(() => enter(client, challenge.token));
    if (isChallenged(entered)) {
      const { browserToken, expiresAt } = entered.challenge;
      if (browserToken !== undefined) challenge.set(browserToken, expiresAt);
      return entered;
    }
    challenge.clear();
    const replaced = cookie.sessionOf(request, reply);
    if (replaced !== undefined) await revocation.endReplaced(replaced, client);
    request.loggedSubject = { kind: 'user', id: entered.account.id };
    cookie.set(request, reply, entered);
    // A failure to remember the device does not fail the login.
    const remembered = await devices.remember(entered.account.id, client.device).catch(() => undefined);
    if (remembered) device.set(remembered);
    return entered;
  };
}
