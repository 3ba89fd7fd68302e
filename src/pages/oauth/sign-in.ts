/** The ways to sign a browser in at the provider. Each opens a first-party session, which ends the one that the cookie held. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EmailLogin } from '../../email-codes/login.js';
import { clientOf } from '../../fastify/client.js';
import type { ChallengeCookie, ReadChallengeCookie } from '../../fastify/challenge-cookie.js';
import type { IdentityFlows, IdentityLogin } from '../../identities/flows.js';
import type { IdentityLogins } from '../../identities/login.js';
import type { ChargeField } from '../../graphql/directives/limits.js';
import { AppError } from '../../lib/errors.js';
import type { SecondFactorLogin } from '../../mfa/login.js';
import type { PasskeyAuthentication, PasskeyChallenge } from '../../mfa/passkeys/authentication.js';
import type { LoginWithPasskey } from '../../mfa/passkeys/login.js';
import { factorOf } from '../../mfa/presented-factor.js';
import type { Login } from '../../passwords/login.js';
import type { SignIn } from '../../sessions/sign-in.js';
import { createCookieSignIn, type CookieSignInOptions, type SessionCookie } from '../cookie-sign-in.js';

/** Call them only after the key and the site of the form were checked. */
export interface BrowserSignIn {
  /** Signs in with what a form of the login page contains. @throws AppError what the login throws */
  byForm(fields: URLSearchParams, request: FastifyRequest, reply: FastifyReply): Promise<SignIn>;
  /** Mails a code. @throws AppError QUERY_REJECTED, VALIDATION_ERROR, RATE_LIMIT_EXCEEDED */
  requestCode(email: string, request: FastifyRequest): Promise<void>;
  /** Starts the ceremony of a passkey; with a challenge, that of a second step. @throws AppError INVALID_TOKEN */
  startPasskey(challenge: string | undefined, request: FastifyRequest, reply: FastifyReply): Promise<PasskeyChallenge>;
  /** Starts a sign-in at an identity provider that returns to a page of ours. @throws AppError VALIDATION_ERROR */
  startIdentity(provider: string, returnTo: string, request: FastifyRequest): Promise<IdentityLogin>;
  /** Signs in with the code with which the browser returned. @throws AppError what the login throws */
  byIdentity(code: string, returnTo: string, request: FastifyRequest, reply: FastifyReply): Promise<SignIn>;
}

export interface BrowserSignInOptions extends CookieSignInOptions {
  readonly challengeCookie: ReadChallengeCookie;
  readonly login: Login;
  readonly loginWithPasskey: LoginWithPasskey;
  readonly secondFactorLogin: Pick<SecondFactorLogin, 'login'>;
  readonly passkeyAuthentication: Pick<PasskeyAuthentication, 'start'>;
  readonly emailLogin: EmailLogin;
  readonly identities: {
    readonly flows: Pick<IdentityFlows, 'begin'>;
    readonly logins: Pick<IdentityLogins, 'finishAuthorization'>;
  };
  /** Counts an execution of the field with the same effect. */
  readonly chargeField: ChargeField;
}

const PARAMS = { transport: 'COOKIE', rememberMe: false } as const;

export function createBrowserSignIn(options: BrowserSignInOptions, cookie: SessionCookie): BrowserSignIn {
  const { login, loginWithPasskey, secondFactorLogin, emailLogin, passkeyAuthentication, identities, chargeField } =
    options;
  const signIn = createCookieSignIn(options, cookie);
  const challengeOf = (request: FastifyRequest, reply: FastifyReply): ChallengeCookie =>
    options.challengeCookie(request, reply);

  /** An empty field counts as omitted. */
  const reader = (fields: URLSearchParams) => (name: string) => fields.get(name) || undefined;

  return {
    async byForm(fields, request, reply) {
      const read = reader(fields);
      const [challenge, passkey, email] = [read('challenge'), read('passkey'), read('email')];
      const code = read('code') ?? '';
      const response = passkey === undefined ? undefined : parseJson(passkey);
      if (challenge !== undefined) {
        await chargeField('Mutation.loginWithSecondFactor', clientOf(request));
        const factor = response === undefined ? factorOf(code) : { passkey: response };
        return signIn(request, reply, (client, browserToken) =>
          secondFactorLogin.login({ challenge, browserToken }, factor, client),
        );
      }
      if (response !== undefined) {
        await chargeField('Mutation.loginWithPasskey', clientOf(request));
        const credentials = { challenge: read('passkeyChallenge') ?? '', response, ...PARAMS };
        return signIn(request, reply, (client) => loginWithPasskey(credentials, client));
      }
      if (email !== undefined) {
        await chargeField('Mutation.loginWithEmailCode', clientOf(request));
        return signIn(request, reply, (client) => emailLogin.login({ email, code, ...PARAMS }, client));
      }
      await chargeField('Mutation.login', clientOf(request));
      const credentials = { identifier: read('identifier') ?? '', password: read('password') ?? '', ...PARAMS };
      return signIn(request, reply, (client) => login(credentials, client));
    },

    async requestCode(email, request) {
      await chargeField('Mutation.requestEmailCode', clientOf(request));
      await emailLogin.request(email, clientOf(request));
    },

    async startPasskey(challenge, request, reply) {
      await chargeField('Mutation.startPasskeyLogin', clientOf(request));
      const { token: browserToken } = challengeOf(request, reply);
      return passkeyAuthentication.start(challenge === undefined ? undefined : { challenge, browserToken });
    },

    async startIdentity(provider, returnTo, request) {
      await chargeField('Mutation.startIdentityLogin', clientOf(request));
      return identities.flows.begin({ purpose: 'authorize', provider, returnTo });
    },

    async byIdentity(code, returnTo, request, reply) {
      await chargeField('Mutation.finishIdentityLogin', clientOf(request));
      return signIn(request, reply, (client) => identities.logins.finishAuthorization(code, returnTo, client));
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('INVALID_CREDENTIALS', 'The response of the passkey is malformed.');
  }
}
