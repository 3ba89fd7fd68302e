/** The settings of identity providers, as IDENTITY_PROVIDERS has them with the defaults filled in. */

export type ProviderKind = 'oidc' | 'oauth2' | 'plex';
export type SecretMethod = 'client_secret_basic' | 'client_secret_post';

/** How the token endpoint authenticates Latchkey (RFC 6749 section 2.3). */
export type ClientAuthentication =
  | { readonly method: 'none' }
  | { readonly method: SecretMethod; readonly secret: string }
  /** A JWT that is signed for each request takes the place of the secret. */
  | { readonly method: 'apple'; readonly teamId: string; readonly keyId: string; readonly privateKey: string };

export interface ProviderSettings {
  readonly id: string;
  readonly name: string;
  /** With the subject, the key of an identity. */
  readonly issuer: string;
  /** Whether an email address is verified if the provider says so. */
  readonly trustEmail: boolean;
  readonly allowPrivateAddresses: boolean;
}

export interface ClientSettings extends ProviderSettings {
  readonly clientId: string;
  readonly clientAuthentication: ClientAuthentication;
  readonly scopes: readonly string[];
}

export interface OidcSettings extends ClientSettings {
  readonly kind: 'oidc';
}

/** Members of the profile, by their path, such as `data.id`. */
export interface ProfileFields {
  readonly subject: string;
  readonly username?: string;
  readonly displayName?: string;
  readonly avatarUrl?: string;
  readonly email?: string;
  /** The address counts as verified only if this member is `true`. */
  readonly emailVerified?: string;
}

export interface OAuth2Settings extends ClientSettings {
  readonly kind: 'oauth2';
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly profileEndpoint: string;
  /** The members of the profile, or an adapter. */
  readonly profile: ProfileFields | 'github' | 'discord';
}

export interface PlexSettings extends ProviderSettings {
  readonly kind: 'plex';
}

export type IdentityProviderSettings = OidcSettings | OAuth2Settings | PlexSettings;
