/** Signs a browser in from a form of our own pages: the refresh token, the device and a challenge go into cookies. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EmailLogin } from '../email-codes/login.js';
import type { ReadChallengeCookie } from '../fastify/challenge-cookie.js';
import { clientOf } from '../fastify/client.js';
import type { ReadDeviceCookie } from '../fastify/device-cookie.js';
import type { ReadRefreshCookie } from '../fastify/refresh-cookie.js';
import type { KnownDevices } from '../known-devices/service.js';
import type { ClientInfo } from '../lib/client-info.js';
import { AppError } from '../lib/errors.js';
import type { SecondFactorLogin } from '../mfa/login.js';
import { factorOf } from '../mfa/presented-factor.js';
import type { Revocation } from '../sessions/revocation.js';
import type { Sessions } from '../sessions/service.js';
import { isChallenged, type SignIn } from '../sessions/sign-in.js';

/** Call them only after the form key and the site of the request were checked. */
export interface PageSignIn {
  /** Signs in with the token of a mailed link. Ends the session of a cookie that is replaced. */
  byLink(token: string, request: FastifyRequest, reply: FastifyReply): Promise<SignIn>;
  /** Finishes a challenged sign-in. @param code of an authenticator app, or a recovery code */
  bySecondFactor(challenge: string, code: string, request: FastifyRequest, reply: FastifyReply): Promise<SignIn>;
}

export interface PageSignInOptions {
  readonly refreshCookie: ReadRefreshCookie;
  readonly deviceCookie: ReadDeviceCookie;
  readonly challengeCookie: ReadChallengeCookie;
  readonly emailLogin: Pick<EmailLogin, 'login'>;
  readonly secondFactorLogin: Pick<SecondFactorLogin, 'login'>;
  readonly sessions: Pick<Sessions, 'idOf'>;
  readonly revocation: Pick<Revocation, 'endReplaced'>;
  readonly devices: Pick<KnownDevices, 'remember'>;
  /** Counts logins by outcome, for metrics. */
  countLogin(outcome: string): void;
}

export function createPageSignIn(options: PageSignInOptions): PageSignIn {
  const { emailLogin, secondFactorLogin, sessions, revocation, devices, countLogin } = options;

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

  /** Runs `enter`, which opens a session with the transport COOKIE, and sets the cookies. */
  async function signIn(
    request: FastifyRequest,
    reply: FastifyReply,
    enter: (client: ClientInfo, browserToken: string | undefined) => Promise<SignIn>,
  ): Promise<SignIn> {
    const cookie = options.refreshCookie(request, reply, true);
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
    const { session, account, refreshToken } = entered;
    const replaced = sessions.idOf(cookie.read() ?? '');
    if (replaced !== undefined) await revocation.endReplaced(replaced, client);
    request.accountId = account.id;
    cookie.set(refreshToken, session.rememberMe ? session.expiresAt : undefined);
    // A failure to remember the device does not fail the login.
    const remembered = await devices.remember(account.id, client.device).catch(() => undefined);
    if (remembered) device.set(remembered);
    return entered;
  }

  return {
    byLink: (token, request, reply) =>
      signIn(request, reply, (client) => emailLogin.login({ email: '', code: token, transport: 'COOKIE' }, client)),

    bySecondFactor: (challenge, code, request, reply) =>
      signIn(request, reply, (client, browserToken) =>
        secondFactorLogin.login({ challenge, browserToken }, factorOf(code), client),
      ),
  };
}
