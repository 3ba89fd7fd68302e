/** Signs a browser in from the page behind a mailed link: the refresh token goes into its cookie. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EmailLogin } from '../email-codes/login.js';
import type { ReadRefreshCookie } from '../fastify/refresh-cookie.js';
import type { SecondFactorLogin } from '../mfa/login.js';
import { factorOf } from '../mfa/presented-factor.js';
import type { Sessions } from '../sessions/service.js';
import type { SignIn } from '../sessions/sign-in.js';
import { createCookieSignIn, type CookieSignInOptions } from './cookie-sign-in.js';

/** Call them only after the form key and the site of the request were checked. */
export interface PageSignIn {
  /** Signs in with the token of a mailed link. Ends the session of a cookie that is replaced. */
  byLink(token: string, request: FastifyRequest, reply: FastifyReply): Promise<SignIn>;
  /** Finishes a challenged sign-in. @param code of an authenticator app, or a recovery code */
  bySecondFactor(challenge: string, code: string, request: FastifyRequest, reply: FastifyReply): Promise<SignIn>;
}

export interface PageSignInOptions extends CookieSignInOptions {
  readonly refreshCookie: ReadRefreshCookie;
  readonly emailLogin: Pick<EmailLogin, 'login'>;
  readonly secondFactorLogin: Pick<SecondFactorLogin, 'login'>;
  readonly sessions: Pick<Sessions, 'idOf'>;
}

export function createPageSignIn(options: PageSignInOptions): PageSignIn {
  const { emailLogin, secondFactorLogin, sessions, refreshCookie } = options;
  const signIn = createCookieSignIn(options, {
    sessionOf: (request, reply) => sessions.idOf(refreshCookie(request, reply, true).read() ?? ''),
    set: (request, reply, { refreshToken, session }) =>
      refreshCookie(request, reply, true).set(refreshToken, session.rememberMe ? session.expiresAt : undefined),
  });

  return {
    byLink: (token, request, reply) =>
      signIn(request, reply, (client) => emailLogin.login({ email: '', code: token, transport: 'COOKIE' }, client)),

    bySecondFactor: (challenge, code, request, reply) =>
      signIn(request, reply, (client, browserToken) =>
        secondFactorLogin.login({ challenge, browserToken }, factorOf(code), client),
      ),
  };
}
