/** What a browser gets next on its way through an authorization request. */
import type { OAuthClient } from '../clients/client.js';
import type { BrowserSession } from './browser-sessions.js';
import type { RequestProblem } from './pending.js';

/** Why a request ends at a page of the provider. No response may be sent to a client that is not known to have asked. */
export type Problem = RequestProblem | 'client' | 'redirect_uri';

/** What the consent page shows. */
export interface ConsentView {
  readonly client: OAuthClient;
  /** Those of the request that the account has. */
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly session: BrowserSession;
}

export type Step =
  | { readonly kind: 'problem'; readonly problem: Problem }
  /** A response to the client. */
  | { readonly kind: 'redirect'; readonly url: string }
  /** @param request the random bits of the pending request */
  | { readonly kind: 'login'; readonly request: string }
  | { readonly kind: 'consent'; readonly request: string; readonly consent: ConsentView }
  /** The person has signed in for a device. */
  | { readonly kind: 'device'; readonly request: string }
  /** The account must enrol a second factor first. */
  | { readonly kind: 'enroll' };
