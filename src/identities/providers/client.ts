/** The authorization code flow with PKCE (RFC 6749, RFC 7636), as OpenID and plain OAuth 2.0 providers share it. */
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  ClientSecretPost,
  None,
  randomPKCECodeVerifier,
  type ClientAuth,
  type Configuration,
  type CustomFetch,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from 'openid-client';
import type { ClientAuthentication } from '../../config/identity-provider-settings.js';
import type { GuardedFetch } from '../../lib/guarded-fetch.js';
import type { ProviderCallback, StartedFlow } from '../provider.js';
import { providerFailed } from './failure.js';

/** Deadline of one step, in milliseconds. */
export const STEP_TIMEOUT_MS = 10_000;

export interface ClientDependencies {
  /** Follows no redirects. */
  readonly fetch: GuardedFetch;
  /** Deadline of one step of a flow, in milliseconds. */
  readonly timeoutMs: number;
}

export function clientAuthentication(settings: ClientAuthentication): ClientAuth {
  switch (settings.method) {
    case 'client_secret_basic':
      return ClientSecretBasic(settings.secret);
    case 'client_secret_post':
      return ClientSecretPost(settings.secret);
    // Apple's secret is signed for each exchange, and sent as a parameter.
    case 'apple':
    case 'none':
      return None();
  }
}

/** The guarded fetch for openid-client, which sends forms only. */
export function customFetchOf(fetch: GuardedFetch): CustomFetch {
  return (url, { method, headers, body, signal }) =>
    fetch(url, { method, headers, signal, body: body instanceof URLSearchParams ? body.toString() : undefined });
}

/** @param parameters further ones of the authorization request */
export async function startCodeFlow(
  configuration: Configuration,
  scopes: readonly string[],
  parameters: Readonly<Record<string, string>>,
): Promise<StartedFlow> {
  const codeVerifier = randomPKCECodeVerifier();
  const url = buildAuthorizationUrl(configuration, {
    ...parameters,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  });
  return { url: url.href, parameters: { codeVerifier } };
}

/**
 * Checks state and `iss` of the callback, and exchanges its code for tokens.
 * @param nonce of the ID token, which is required with it
 * @param parameters further ones of the token request
 */
export async function exchangeCode(
  configuration: Configuration,
  { url, redirectUri, state, parameters: { codeVerifier } }: ProviderCallback,
  nonce?: string,
  parameters?: Record<string, string>,
): Promise<TokenEndpointResponse & TokenEndpointResponseHelpers> {
  if (codeVerifier === undefined) throw providerFailed('The flow was started with a provider of another kind.');
  const callback = new URL(redirectUri);
  callback.search = url.search;
  const checks = { expectedState: state, pkceCodeVerifier: codeVerifier };
  const idToken = nonce === undefined ? {} : { expectedNonce: nonce, idTokenExpected: true };
  return authorizationCodeGrant(configuration, callback, { ...checks, ...idToken }, parameters);
}
