/**
 * For pages: the second step of a login, passkeys, and step-up authentication, on top of cookie.ts. The origin of the page must
 * be one of WEBAUTHN_ORIGINS; without that setting, the one of PUBLIC_URL or APP_URL.
 */
import {
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
  type AuthenticationResponseJSON,
  type PublicKeyCredentialCreationOptionsJSON as CreationOptions,
  type PublicKeyCredentialRequestOptionsJSON as RequestOptions,
} from '@simplewebauthn/browser';
import type { createCookieClient } from './cookie.js';
import { ApiError, type SecondStep } from './fetch.js';
import type { Tokens } from './session.js';

export type SecondFactor = { totp: string } | { recoveryCode: string } | { passkey: AuthenticationResponseJSON };

interface Start {
  readonly start: { readonly challenge: string; readonly options: RequestOptions };
}

const TOKENS = '{ accessToken refreshToken }';
const LOGIN = `mutation ($input: SecondFactorInput!) { tokens: loginWithSecondFactor(input: $input) ${TOKENS} }`;
const LOGIN_WITH_PASSKEY = `mutation ($input: PasskeyLoginInput!) { tokens: loginWithPasskey(input: $input) ${TOKENS} }`;
const REAUTHENTICATE = `mutation ($input: ReauthenticateInput!) { tokens: reauthenticate(input: $input) ${TOKENS} }`;
const START = 'mutation ($challenge: String) { start: startPasskeyLogin(challenge: $challenge) { challenge options } }';
const START_REGISTRATION = 'mutation { optionsJSON: startPasskeyRegistration }';
const FINISH_REGISTRATION = `mutation ($response: JSON!, $name: String) {
  passkey: finishPasskeyRegistration(response: $response, name: $name) { id name } }`;
/** Challenges are valid for five minutes. */
const RENEW_MS = 240_000;

export function createSecondFactorClient({ session, request, login }: ReturnType<typeof createCookieClient>) {
  async function enter(mutation: string, input: object): Promise<void> {
    session.set((await request<{ tokens: Tokens }>(mutation, { input })).tokens);
  }
  const start = async (challenge?: string) => (await request<Start>(START, { challenge })).start;
  const enterWithPasskey = (challenge: string, response: AuthenticationResponseJSON) =>
    enter(LOGIN_WITH_PASSKEY, { challenge, response, transport: 'COOKIE' });

  return {
    /** Resolves with the second step if the account has a second factor, and with undefined if the person is logged in. */
    async login(identifier: string, password: string): Promise<SecondStep | undefined> {
      try {
        await login(identifier, password);
        return undefined;
      } catch (error) {
        if (error instanceof ApiError && error.secondStep) return error.secondStep;
        throw error;
      }
    },
    /** Asks for a passkey of the account, as the factor of a second step. */
    askForPasskey: async ({ challenge }: SecondStep) => ({
      passkey: await startAuthentication({ optionsJSON: (await start(challenge)).options }),
    }),
    finishLogin: ({ challenge }: SecondStep, factor: SecondFactor) => enter(LOGIN, { challenge, ...factor }),

    /** Logs in with a passkey alone. Call it when the person presses a button. */
    async loginWithPasskey(): Promise<void> {
      const { challenge, options } = await start();
      await enterWithPasskey(challenge, await startAuthentication({ optionsJSON: options }));
    },
    /**
     * Offers passkeys in the suggestions of an `<input autocomplete="username webauthn">`. Call it when the page opens, if
     * `browserSupportsWebAuthnAutofill()`. Rejects with an AbortError when another of these functions asks for a passkey.
     */
    async loginFromSuggestion(): Promise<void> {
      for (;;) {
        const { challenge, options } = await start();
        let hasExpired = false;
        const timer = setTimeout(() => {
          hasExpired = true;
          WebAuthnAbortService.cancelCeremony();
        }, RENEW_MS);
        const response = await startAuthentication({ optionsJSON: options, useBrowserAutofill: true })
          .catch((error: unknown) => {
            if (!hasExpired) throw error;
          })
          .finally(() => clearTimeout(timer));
        if (response) return enterWithPasskey(challenge, response);
      }
    },

    /** Needs a recent login: on STEP_UP_REQUIRED, call `reauthenticate` with a method of the error and try again. */
    async registerPasskey(name?: string): Promise<{ readonly id: string; readonly name: string }> {
      const response = await startRegistration(await request<{ optionsJSON: CreationOptions }>(START_REGISTRATION));
      type Finished = { passkey: { id: string; name: string } };
      return (await request<Finished>(FINISH_REGISTRATION, { response, name })).passkey;
    },
    reauthenticate: (proof: { password: string } | SecondFactor) => enter(REAUTHENTICATE, proof),
    async reauthenticateWithPasskey(): Promise<void> {
      await enter(REAUTHENTICATE, { passkey: await startAuthentication({ optionsJSON: (await start()).options }) });
    },
  };
}
