/** Signs a browser in from a form of our own pages: the refresh token and the device go into cookies. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientOf } from '../fastify/client.js';
import type { ReadDeviceCookie } from '../fastify/device-cookie.js';
import type { ReadRefreshCookie } from '../fastify/refresh-cookie.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import type { Revocation } from '../sessions/revocation.js';
import type { Sessions } from '../sessions/service.js';
import { isChallenged, type SignIn } from '../sessions/sign-in.js';

export interface PageSignInOptions {
  readonly refreshCookie: ReadRefreshCookie;
  readonly deviceCookie: ReadDeviceCookie;
  readonly sessions: Pick<Sessions, 'idOf'>;
  readonly revocation: Pick<Revocation, 'endReplaced'>;
  readonly devices: Pick<KnownDevices, 'remember'>;
  /** Counts logins by outcome, for metrics. */
  countLogin(outcome: string): void;
}

/**
 * Runs `enter`, which opens a session with the transport COOKIE, and sets the cookies. Call it only after the form key and the site
 * of the request were checked. Ends the session of a cookie that is replaced.
 */
export type SignInByForm = (
  request: FastifyRequest,
  reply: FastifyReply,
  enter: (client: ClientInfo) => Promise<SignIn>,
) => Promise<SignIn>;

export function createSignInByForm(options: PageSignInOptions): SignInByForm {
  const { refreshCookie, deviceCookie, sessions, revocation, devices, countLogin } = options;

  return async (request, reply, enter) => {
    const cookie = refreshCookie(request, reply, true);
    const device = deviceCookie(request, reply, true);
    const address = clientOf(request);
    const client = device.hash === undefined ? address : { ...address, device: device.hash };
    const signIn = await enter(client).catch((error: unknown) => {
      countLogin(error instanceof AppError ? error.code.toLowerCase() : 'error');
      throw error;
    });
    countLogin(isChallenged(signIn) ? 'second_factor_required' : 'success');
    if (isChallenged(signIn)) return signIn;
    const { session, account, refreshToken } = signIn;
    const replaced = sessions.idOf(cookie.read() ?? '');
    if (replaced !== undefined) await revocation.endReplaced(replaced, client);
    request.accountId = account.id;
    cookie.set(refreshToken, session.rememberMe ? session.expiresAt : undefined);
    // A failure to remember the device does not fail the login.
    const remembered = await devices.remember(account.id, client.device).catch(() => undefined);
    if (remembered) device.set(remembered);
    return signIn;
  };
}
