/** An OAuth client (RFC 6749 section 2). */

export type ClientType = 'CONFIDENTIAL' | 'PUBLIC';
/** How it authenticates at the token endpoint. CLIENT_SECRET: `client_secret_post` or `client_secret_basic`. */
export type ClientAuthMethod = 'CLIENT_SECRET' | 'PRIVATE_KEY_JWT' | 'NONE';
export type ClientGrantType = 'AUTHORIZATION_CODE' | 'REFRESH_TOKEN' | 'CLIENT_CREDENTIALS' | 'DEVICE_CODE';

export interface OAuthClient {
  /** The `client_id`. */
  readonly id: string;
  readonly name: string;
  readonly type: ClientType;
  readonly authMethod: ClientAuthMethod;
  readonly redirectUris: string[];
  readonly postLogoutRedirectUris: string[];
  readonly grantTypes: ClientGrantType[];
  /** The scopes that it may request, those of OpenID Connect included. */
  readonly scopes: string[];
  readonly requirePkce: boolean;
  /** Needs no consent. */
  readonly firstParty: boolean;
  readonly mayIntrospect: boolean;
  /** The public keys for `private_key_jwt` (RFC 7517). */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] } | null;
  readonly backchannelLogoutUri: string | null;
  readonly source: 'ADMINISTRATOR' | 'REGISTRATION' | 'METADATA_DOCUMENT';
  /** The account that its client credentials stand for. */
  readonly serviceAccountId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly disabledAt: Date | null;
}

/** A stored secret of a client. */
export interface ClientSecret {
  readonly id: string;
  readonly clientId: string;
  /** SHA-256 in base64url. */
  readonly secretHash: string;
  readonly createdAt: Date;
  /** The end of the overlap after a rotation; null for the current secret. */
  readonly expiresAt: Date | null;
}
