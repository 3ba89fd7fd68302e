/**
 * What the sign-in flow needs from an identity provider. One implementation per protocol; the flow knows no provider by name and
 * trusts nothing that a provider did not say of itself.
 */

export type ProviderKind = 'oidc' | 'oauth2' | 'plex';

/** The person, as the provider knows them. */
export interface IdentityProfile {
  /** With the subject, the key of the identity. From the configuration or a verified ID token, never from the callback alone. */
  readonly issuer: string;
  /** Unique and never reassigned at the issuer: `sub`, or the id of the account. */
  readonly subject: string;
  /** Only an address that the provider verified, and only if the configuration believes the provider; else null. */
  readonly email: string | null;
  /** A suggestion for the username of a new account, in any form. */
  readonly username: string | null;
  /** Shown to the owner of the identity, in any form. */
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}

/** What one flow must remember until the callback, such as the nonce and the PKCE verifier. Stored, and never sent to the browser. */
export type FlowParameters = Readonly<Record<string, string>>;

export interface StartedFlow {
  /** The address of the provider to which the browser is redirected. */
  readonly url: string;
  readonly parameters: FlowParameters;
}

/** The request that came back to the redirect URI. */
export interface ProviderCallback {
  /** The redirect URI with the parameters of the callback as its query, whether they came in the query or in a form. */
  readonly url: URL;
  readonly redirectUri: string;
  readonly state: string;
  readonly parameters: FlowParameters;
}

export interface IdentityProvider {
  /** Part of the redirect URI; names the provider in the API. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly kind: ProviderKind;
  /** The issuer of its identities. */
  readonly issuer: string;
  /** Whether the provider answers with a form that the browser posts (OAuth 2.0 Form Post Response Mode). */
  readonly postsCallback: boolean;
  /**
   * Prepares the redirect to the provider.
   * @param state unguessable; the provider returns it
   * @throws IdentityProviderError
   */
  start(redirectUri: string, state: string): Promise<StartedFlow>;
  /** Verifies the callback and reads the profile. @throws IdentityProviderError */
  finish(callback: ProviderCallback): Promise<IdentityProfile>;
}

/** Why a provider did not identify the person. */
export type ProviderFailure =
  /** The person, or the provider for them, declined. */
  | 'denied'
  /** The provider refused, was unreachable, slow or answered with nonsense. */
  | 'failed'
  /** The person is known to the provider, but may not sign in here. */
  | 'not_allowed';

/** The message is for the log, and contains no secrets: neither codes nor tokens nor what a provider answered. */
export class IdentityProviderError extends Error {
  override readonly name = 'IdentityProviderError';
  constructor(
    readonly failure: ProviderFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
