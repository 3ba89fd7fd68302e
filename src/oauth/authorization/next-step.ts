/** What an authorization request needs next from the person (OpenID Connect Core 1.0 section 3.1.2.3). Pure functions. */
import { MULTI_FACTOR } from '../../mfa/factors/verify-factor.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import type { OAuthClient } from '../clients/client.js';
import type { BrowserSession } from './browser-sessions.js';
import { isLocalRedirect } from './redirect-uri.js';
import type { AuthorizationRequest } from './request.js';

/** `enroll`: the account must have a second factor and has none. */
export type Need = 'login' | 'enroll' | 'consent' | 'nothing';

export interface Situation {
  readonly request: AuthorizationRequest;
  readonly client: OAuthClient;
  /** The person that the request is about: undefined for anybody, null if the hint cannot be read. */
  readonly hintedUserId: string | null | undefined;
  /** The browser session that the person opened for this request. */
  readonly signedInBy: string | undefined;
  /** In milliseconds. */
  readonly now: number;
  readonly policy: Pick<SecondFactorPolicy, 'mustEnroll'>;
}

/** Whether the person must log in, or enrol a second factor, for any request. */
export function sessionNeed(
  browserSession: BrowserSession | undefined,
  policy: Pick<SecondFactorPolicy, 'mustEnroll'>,
): Exclude<Need, 'consent'> {
  if (!browserSession) return 'login';
  const { session, account } = browserSession;
  // A factor that was added after the login was not proved.
  if (account.hasSecondFactor && !session.amr.includes(MULTI_FACTOR)) return 'login';
  return policy.mustEnroll(account) ? 'enroll' : 'nothing';
}

/**
 * Whether the person must log in, or enrol a second factor, for this request. Every account with a second factor proves it, so
 * `acr_values` needs no further step.
 */
export function loginNeed(
  { request, hintedUserId, signedInBy, now, policy }: Situation,
  browserSession: BrowserSession | undefined,
): Exclude<Need, 'consent'> {
  const need = sessionNeed(browserSession, policy);
  if (!browserSession || need === 'login') return 'login';
  const { session, account } = browserSession;
  const { prompts, maxAge } = request;
  if (hintedUserId != null && hintedUserId !== account.id) return 'login';
  if (signedInBy !== session.id) {
    // The session may be of another person than the client means.
    if (hintedUserId === null) return 'login';
    if (prompts.has('login') || prompts.has('select_account') || maxAge === 0) return 'login';
    if (maxAge !== undefined && now - session.authenticatedAt.getTime() > maxAge * 1000) return 'login';
  }
  return need;
}

/**
 * Whether the person must consent.
 * @param scopes those of the request that the account has
 * @param consented the scopes of earlier consents
 */
export function consentNeed(
  { request, client }: Pick<Situation, 'request' | 'client'>,
  scopes: readonly string[],
  consented: readonly string[],
): Extract<Need, 'consent' | 'nothing'> {
  if (request.prompts.has('consent')) return 'consent';
  // Another application on the device can pretend to be this client (RFC 8252 section 8.6).
  if (client.type === 'PUBLIC' && isLocalRedirect(request.redirectUri)) return 'consent';
  if (client.firstParty) return 'nothing';
  return scopes.every((scope) => consented.includes(scope)) ? 'nothing' : 'consent';
}
