import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { AccountRecord } from '../users/account.js';
import type { SessionView } from '../sessions/session.js';
import type { IdentityRow } from '../identities/repository.js';
import type { AuthPayloadView } from './resolvers/auth-payload.js';
import type { OAuthClient as OAuthClientRecord } from '../oauth/clients/client.js';
import type { ApiKeyRecord } from '../api-keys/api-key.js';
import type { ServiceAccountRecord } from '../service-accounts/service-account.js';
import type { AuditRecord } from '../audit/event.js';
import type { GraphqlContext } from './context.js';
export type Maybe<T> = T | null;
export type InputMaybe<T> = T | null | undefined;
export type Omit<T, K extends keyof T> = Pick<T, Exclude<keyof T, K>>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** Generated from schema.graphql by `npm run codegen`; not to be edited. */
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string };
  String: { input: string; output: string };
  Boolean: { input: boolean; output: boolean };
  Int: { input: number; output: number };
  Float: { input: number; output: number };
  /** A time (RFC 3339): `2026-01-31T12:00:00.000Z`. Results are in UTC; inputs name their offset. */
  DateTime: { input: Date; output: Date };
  /**
   * A permission: `read:content`, `read:profile`, `write:profile`, `read:history`, `admin`, or one added by the configuration. OAuth
   * clients also have the scopes of OpenID Connect: `openid`, `profile`, `email` and `offline_access`.
   */
  Scope: { input: string; output: string };
  /**
   * An object in one of the JSON forms of WebAuthn Level 3, as the browser's `parseCreationOptionsFromJSON`,
   * `parseRequestOptionsFromJSON` and `toJSON` use them; or a JWK Set (RFC 7517).
   */
  JSON: { input: object; output: object };
};

/** A key that `@rateLimit` counts by. */
export type RateLimitKey =
  /** The IP address of the client; for IPv6 its /64 network. */
  | 'IP'
  /** The authenticated account; the IP address for unauthenticated requests. */
  | 'PRINCIPAL';

/** The role of an account. */
export type Role =
  /** A user of the product; has the user scopes. */
  | 'USER'
  /** An administrator; has the user scopes and `admin`. */
  | 'ADMIN';

/** A color scheme. */
export type Theme =
  /** Light color scheme. */
  | 'LIGHT'
  /** Dark color scheme. */
  | 'DARK'
  /** The setting of the device. */
  | 'SYSTEM';

/** How the refresh token is delivered. */
export type TokenTransport =
  /** In the payload, for clients that store it themselves. */
  | 'BODY'
  /**
   * In an HttpOnly cookie, for browsers; `refreshToken` in the payload is then null. Requests with the cookie must come from the
   * origin of `PUBLIC_URL` or one of `CORS_ORIGINS`.
   */
  | 'COOKIE';

/** The type of an OAuth client (RFC 6749 section 2.1). */
export type OAuthClientType =
  /** Keeps a secret or a private key, as a server does. */
  | 'CONFIDENTIAL'
  /** Keeps no secret, as an app on a device or a page in a browser. */
  | 'PUBLIC';

/** How an OAuth client authenticates at the token endpoint. */
export type OAuthClientAuthMethod =
  /** With a secret: `client_secret_post` or `client_secret_basic`. */
  | 'CLIENT_SECRET'
  /** With an assertion that it signs: `private_key_jwt`. */
  | 'PRIVATE_KEY_JWT'
  /** Not at all; for public clients. */
  | 'NONE';

/** A grant type that an OAuth client may use. */
export type OAuthGrantType =
  /** `authorization_code`: a person signs in through the browser. */
  | 'AUTHORIZATION_CODE'
  /** `refresh_token`. */
  | 'REFRESH_TOKEN'
  /** `client_credentials`: the client acts as its service account. */
  | 'CLIENT_CREDENTIALS'
  /** `urn:ietf:params:oauth:grant-type:device_code`: a person approves a device (RFC 8628). */
  | 'DEVICE_CODE';

/** How an OAuth client was registered. */
export type OAuthClientSource =
  /** By an administrator. */
  | 'ADMINISTRATOR'
  /** By itself: dynamic client registration (RFC 7591). */
  | 'REGISTRATION'
  /** By a client ID metadata document, whose URL is its id. */
  | 'METADATA_DOCUMENT';

/** A user account. */
export type User = {
  __typename?: 'User';
  /** The id (UUID version 7); never changes and is never reused. */
  id: Scalars['ID']['output'];
  /**
   * The email address as entered; unique regardless of case and Unicode form. A placeholder below `released.invalid` after the
   * owner of an unconfirmed address has removed it from the account.
   */
  email: Scalars['String']['output'];
  /** The new email address, until it is confirmed and replaces `email`. */
  pendingEmail?: Maybe<Scalars['String']['output']>;
  /** The username as entered; unique regardless of case and Unicode form. */
  username: Scalars['String']['output'];
  /** The name shown to other people. */
  displayName?: Maybe<Scalars['String']['output']>;
  /** The https URL of a picture. */
  avatarUrl?: Maybe<Scalars['String']['output']>;
  /** The role of the account. */
  role: Role;
  /** Whether the email address is confirmed. */
  isVerified: Scalars['Boolean']['output'];
  /** Whether the account has the paid features of the product. */
  isPremium: Scalars['Boolean']['output'];
  /** The preferences of the user. */
  preferences: Preferences;
  /** When the account was created. */
  createdAt: Scalars['DateTime']['output'];
  /** When the account was last changed. */
  updatedAt: Scalars['DateTime']['output'];
  /** When the user last logged in with a password, a passkey, an emailed code or an identity, or reset the password. */
  lastLoginAt?: Maybe<Scalars['DateTime']['output']>;
  /** The active sessions, most recently used first. Only for the account's own session and for administrators in a session. */
  sessions: Array<Session>;
  /** Whether the account has a password. Only for the account's own session. */
  hasPassword: Scalars['Boolean']['output'];
  /** The second factors of the account. Only for the account's own session. */
  secondFactors: SecondFactors;
  /** The identities at other providers that sign in to the account, oldest first. Only for the account's own session. */
  identities: Array<Identity>;
  /** The OAuth clients that the account has authorized, by name. Only for the account's own session. */
  authorizedApps: Array<AuthorizedApp>;
  /** The API keys that are not revoked, oldest first. Only the account's own session may read them. */
  apiKeys: Array<ApiKey>;
  /** When an administrator disabled the account. A disabled account has no sessions and cannot log in. */
  disabledAt?: Maybe<Scalars['DateTime']['output']>;
  /** When the account was deleted. It can be restored for a limited time and is then purged. */
  deletedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** A user account. */
export type UserSessionsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['ID']['input']>;
};

/** The second factors of an account. */
export type SecondFactors = {
  __typename?: 'SecondFactors';
  /** The authenticator app; null if there is none. */
  totp?: Maybe<Totp>;
  /** The passkeys, oldest first. */
  passkeys: Array<Passkey>;
  /** The number of unused recovery codes. */
  recoveryCodesLeft: Scalars['Int']['output'];
  /** Whether the account must have a second factor (`REQUIRE_SECOND_FACTOR`). The last one can then not be removed. */
  required: Scalars['Boolean']['output'];
};

/** An authenticator app (RFC 6238). */
export type Totp = {
  __typename?: 'Totp';
  /** When it was enrolled. */
  createdAt: Scalars['DateTime']['output'];
  /** When its last code was accepted; null if none was since the enrolment. */
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** A passkey (WebAuthn). */
export type Passkey = {
  __typename?: 'Passkey';
  /** The id (UUID version 7). */
  id: Scalars['ID']['output'];
  /** The name that its owner gave it. */
  name: Scalars['String']['output'];
  /** When it was registered. */
  createdAt: Scalars['DateTime']['output'];
  /** When it last proved its owner; null if it has not since the registration. */
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Whether the authenticator syncs it between devices. */
  synced: Scalars['Boolean']['output'];
};

/** A challenge for a passkey, valid for one attempt within five minutes. */
export type PasskeyChallenge = {
  __typename?: 'PasskeyChallenge';
  /** The challenge, to send to `loginWithPasskey`. The options contain it as well. */
  challenge: Scalars['String']['output'];
  /** PublicKeyCredentialRequestOptionsJSON, for `navigator.credentials.get`. */
  options: Scalars['JSON']['output'];
  /** When the challenge expires. */
  expiresAt: Scalars['DateTime']['output'];
};

/** An enrolment of an authenticator app, which a code must confirm. */
export type TotpEnrollment = {
  __typename?: 'TotpEnrollment';
  /** The secret in base32, for apps that cannot read the QR code. */
  secret: Scalars['String']['output'];
  /** The `otpauth://` URI to show as a QR code. */
  uri: Scalars['String']['output'];
  /** When the enrolment expires if it is not confirmed. */
  expiresAt: Scalars['DateTime']['output'];
};

/** Recovery codes. They are shown once: only their hashes are stored. */
export type RecoveryCodes = {
  __typename?: 'RecoveryCodes';
  /** Codes that stand for a second factor. Each works once. */
  codes: Array<Scalars['String']['output']>;
};

/** An identity provider with which people sign in. */
export type IdentityProvider = {
  __typename?: 'IdentityProvider';
  /** The id in the configuration, for `startIdentityLogin`. */
  id: Scalars['ID']['output'];
  /** The name to show. */
  name: Scalars['String']['output'];
  /** The protocol. */
  kind: IdentityProviderKind;
};

/** The protocol of an identity provider. */
export type IdentityProviderKind =
  /** OpenID Connect. */
  | 'OIDC'
  /** OAuth 2.0 without OpenID Connect, such as GitHub. */
  | 'OAUTH2'
  /** Plex. */
  | 'PLEX';

/** A sign-in at an identity provider that is under way. */
export type IdentityLogin = {
  __typename?: 'IdentityLogin';
  /** Where to send the browser. It returns to `returnTo` with the parameter `code`, or `error` and `error_description`. */
  url: Scalars['String']['output'];
  /** When the sign-in expires if it is not finished. */
  expiresAt: Scalars['DateTime']['output'];
};

/** An identity at another provider that signs in to the account. */
export type Identity = {
  __typename?: 'Identity';
  /** The id (UUID version 7). */
  id: Scalars['ID']['output'];
  /** The id of the provider in the configuration. */
  provider: Scalars['String']['output'];
  /** The id of the person at the provider. */
  subject: Scalars['String']['output'];
  /** The name that the provider last showed; null if it has none. */
  displayName?: Maybe<Scalars['String']['output']>;
  /** When it was linked. */
  createdAt: Scalars['DateTime']['output'];
  /** When it last signed in; null if it has not since it was linked. */
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** The preferences of a user. */
export type Preferences = {
  __typename?: 'Preferences';
  /** The color scheme. */
  theme: Theme;
  /** Whether the product may send notifications. */
  notifications: Scalars['Boolean']['output'];
  /** A BCP 47 language tag such as `en` or `pt-BR`. */
  language: Scalars['String']['output'];
};

/** A session: one login on one device, with all access and refresh tokens issued since. */
export type Session = {
  __typename?: 'Session';
  /** The id; the `sid` claim of its access tokens. */
  id: Scalars['ID']['output'];
  /** When the session was opened. */
  createdAt: Scalars['DateTime']['output'];
  /** When the session was last used, accurate to five minutes. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** When the session expires. */
  expiresAt: Scalars['DateTime']['output'];
  /** The IP address of the last refresh. */
  ipAddress?: Maybe<Scalars['String']['output']>;
  /** The User-Agent of the last refresh. */
  userAgent?: Maybe<Scalars['String']['output']>;
  /** Whether this request was made in the session. */
  current: Scalars['Boolean']['output'];
  /** The OAuth client that the session was granted to; null for a login of the person. */
  app?: Maybe<SessionApp>;
};

/** The OAuth client of a session. */
export type SessionApp = {
  __typename?: 'SessionApp';
  /** The `client_id`. */
  clientId: Scalars['ID']['output'];
  /** The name. */
  name: Scalars['String']['output'];
};

/** An OAuth client that a person has authorized. */
export type AuthorizedApp = {
  __typename?: 'AuthorizedApp';
  /** The `client_id`. */
  clientId: Scalars['ID']['output'];
  /** The name. */
  name: Scalars['String']['output'];
  /** The scopes that the person granted. */
  scopes: Array<Scalars['Scope']['output']>;
  /** When the person first authorized it. */
  authorizedAt: Scalars['DateTime']['output'];
  /** When its last live grant was last used, accurate to five minutes; null if it has none. */
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** An OAuth 2.0 client: an application that signs people in with this server, or a machine. */
export type OAuthClient = {
  __typename?: 'OAuthClient';
  /** The `client_id`: a UUID version 7, or the URL of a client ID metadata document. */
  id: Scalars['ID']['output'];
  /** The name that people see when they are asked for consent. */
  name: Scalars['String']['output'];
  /** The type. */
  type: OAuthClientType;
  /** How it authenticates. */
  authMethod: OAuthClientAuthMethod;
  /** The addresses that authorization responses may be sent to; compared exactly. */
  redirectUris: Array<Scalars['String']['output']>;
  /** The addresses that it may name for the time after a logout. */
  postLogoutRedirectUris: Array<Scalars['String']['output']>;
  /** The grant types that it may use. */
  grantTypes: Array<OAuthGrantType>;
  /** The scopes that it may request. */
  scopes: Array<Scalars['Scope']['output']>;
  /** Whether it must use PKCE (RFC 7636). */
  requirePkce: Scalars['Boolean']['output'];
  /** Whether it needs no consent. */
  firstParty: Scalars['Boolean']['output'];
  /** Whether it may introspect and revoke the tokens of other clients (RFC 7662, RFC 7009). */
  mayIntrospect: Scalars['Boolean']['output'];
  /** Its public keys, a JWK Set; null unless `authMethod` is PRIVATE_KEY_JWT. */
  jwks?: Maybe<Scalars['JSON']['output']>;
  /** The address for logout tokens (OpenID Connect Back-Channel Logout 1.0). */
  backchannelLogoutUri?: Maybe<Scalars['String']['output']>;
  /** The service account that its client credentials stand for. */
  serviceAccountId?: Maybe<Scalars['ID']['output']>;
  /** How it was registered. */
  source: OAuthClientSource;
  /** When it was registered. */
  createdAt: Scalars['DateTime']['output'];
  /** When it was last changed. */
  updatedAt: Scalars['DateTime']['output'];
  /** When it was disabled. A disabled client gets no tokens, and has no grants. */
  disabledAt?: Maybe<Scalars['DateTime']['output']>;
};

/** An OAuth client with its secret, which is shown once. */
export type CreatedOAuthClient = {
  __typename?: 'CreatedOAuthClient';
  /** The client. */
  client: OAuthClient;
  /** The secret; null for a client that authenticates otherwise. Only its hash is stored. */
  secret?: Maybe<Scalars['String']['output']>;
};

/** A page of OAuth clients: those of metadata documents, then the others, newest first. */
export type OAuthClientConnection = {
  __typename?: 'OAuthClientConnection';
  /** The clients of the page. */
  edges: Array<OAuthClientEdge>;
  /** Information about the page. */
  pageInfo: PageInfo;
};

/** An OAuth client in a list. */
export type OAuthClientEdge = {
  __typename?: 'OAuthClientEdge';
  /** The position in the list. */
  cursor: Scalars['String']['output'];
  /** The client. */
  node: OAuthClient;
};

/** The tokens of a new or renewed session. */
export type AuthPayload = {
  __typename?: 'AuthPayload';
  /** The access token: a JWT (RFC 9068) for the `Authorization` header. */
  accessToken: Scalars['String']['output'];
  /** The refresh token, valid for one refresh; null if it was set as a cookie. */
  refreshToken?: Maybe<Scalars['String']['output']>;
  /** Always `Bearer`. */
  tokenType: Scalars['String']['output'];
  /** The lifetime of the access token in seconds. */
  expiresIn: Scalars['Int']['output'];
  /** The scopes of the access token, space-separated. */
  scope: Scalars['String']['output'];
  /** The account of the session. */
  user: User;
};

/** Information about a page (Relay connections). */
export type PageInfo = {
  __typename?: 'PageInfo';
  /** Whether there is another page. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Whether the page starts after a cursor. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first edge. */
  startCursor?: Maybe<Scalars['String']['output']>;
  /** The cursor of the last edge: `after` for the next page. */
  endCursor?: Maybe<Scalars['String']['output']>;
};

/** A page of accounts, newest first. */
export type UserConnection = {
  __typename?: 'UserConnection';
  /** The accounts of the page. */
  edges: Array<UserEdge>;
  /** Information about the page. */
  pageInfo: PageInfo;
};

/** An account in a list. */
export type UserEdge = {
  __typename?: 'UserEdge';
  /** The position in the list. */
  cursor: Scalars['String']['output'];
  /** The account. Deleted accounts that can still be restored are included. */
  node: User;
};

/** An API key: a credential of a program. Its secret is shown once, at creation and rotation. */
export type ApiKey = {
  __typename?: 'ApiKey';
  /** The id of the key. */
  id: Scalars['ID']['output'];
  /** The name that its creator gave it. */
  name: Scalars['String']['output'];
  /** The public part of the key, which identifies it: everything before its secret. */
  prefix: Scalars['String']['output'];
  /** The scopes of the key; it has those of them that its owner has at the moment of a request. */
  scopes: Array<Scalars['Scope']['output']>;
  /** The networks from which it is accepted, in CIDR notation; empty for all. */
  networks: Array<Scalars['String']['output']>;
  /** When the key was created. */
  createdAt: Scalars['DateTime']['output'];
  /** When its current secret was made. */
  rotatedAt: Scalars['DateTime']['output'];
  /** When the former secret ends; null if there was no overlap at the last rotation. */
  overlapEndsAt?: Maybe<Scalars['DateTime']['output']>;
  /** When the key expires; null if it does not. */
  expiresAt?: Maybe<Scalars['DateTime']['output']>;
  /** When the key was last used, to within five minutes; null if it was not. */
  lastUsedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** A new API key, or a key with a new secret. */
export type CreatedApiKey = {
  __typename?: 'CreatedApiKey';
  /** The key without its secret. */
  apiKey: ApiKey;
  /** The whole key, to send as `X-API-Key` or as a bearer token. It is shown only here. */
  key: Scalars['String']['output'];
};

/** A service account: a principal that is no person. It has API keys and client credentials. */
export type ServiceAccount = {
  __typename?: 'ServiceAccount';
  /** The id (UUID version 7). */
  id: Scalars['ID']['output'];
  /** The name of the service account. */
  name: Scalars['String']['output'];
  /** The scopes that its credentials may have. */
  scopes: Array<Scalars['Scope']['output']>;
  /** When the service account was created. */
  createdAt: Scalars['DateTime']['output'];
  /** When the service account was last changed. */
  updatedAt: Scalars['DateTime']['output'];
  /** When the service account was disabled; null if it is enabled. */
  disabledAt?: Maybe<Scalars['DateTime']['output']>;
  /** The API keys that are not revoked, oldest first. Requires a person's own session. */
  apiKeys: Array<ApiKey>;
};

/** A page of service accounts, newest first. */
export type ServiceAccountConnection = {
  __typename?: 'ServiceAccountConnection';
  /** The service accounts of the page. */
  edges: Array<ServiceAccountEdge>;
  /** Information about the page. */
  pageInfo: PageInfo;
};

/** A service account in a list. */
export type ServiceAccountEdge = {
  __typename?: 'ServiceAccountEdge';
  /** The position in the list. */
  cursor: Scalars['String']['output'];
  /** The service account. */
  node: ServiceAccount;
};

/** The kinds of subjects that cause events. */
export type ActorKind =
  /** An account. */
  | 'USER'
  /** A service account. */
  | 'SERVICE_ACCOUNT';

/** A recorded change or refusal. */
export type AuditEvent = {
  __typename?: 'AuditEvent';
  /** The id (UUID version 7), in chronological order. */
  id: Scalars['ID']['output'];
  /** The type, such as `session.opened` or `login.failed`. */
  type: Scalars['String']['output'];
  /** The account that the event concerns; null if there is none. */
  userId?: Maybe<Scalars['ID']['output']>;
  /** The account or service account that caused the event; null if unknown. */
  actorId?: Maybe<Scalars['ID']['output']>;
  /** Whether the actor is an account or a service account; null without an actor. */
  actorKind?: Maybe<ActorKind>;
  /** The session that the event concerns. */
  sessionId?: Maybe<Scalars['ID']['output']>;
  /** The service account that the event concerns; null if there is none. */
  serviceAccountId?: Maybe<Scalars['ID']['output']>;
  /** The API key that the event concerns; null if there is none. */
  apiKeyId?: Maybe<Scalars['ID']['output']>;
  /** The IP address of the request. */
  ipAddress?: Maybe<Scalars['String']['output']>;
  /** The User-Agent of the request. */
  userAgent?: Maybe<Scalars['String']['output']>;
  /** When the event happened. */
  createdAt: Scalars['DateTime']['output'];
  /** Further details; never a secret. */
  detail?: Maybe<Scalars['String']['output']>;
};

/** A page of audit events, newest first. */
export type AuditEventConnection = {
  __typename?: 'AuditEventConnection';
  /** The events of the page. */
  edges: Array<AuditEventEdge>;
  /** Information about the page. */
  pageInfo: PageInfo;
};

/** An audit event in a list. */
export type AuditEventEdge = {
  __typename?: 'AuditEventEdge';
  /** The position in the list. */
  cursor: Scalars['String']['output'];
  /** The audit event. */
  node: AuditEvent;
};

/** The queries. */
export type Query = {
  __typename?: 'Query';
  /** The account of the caller. */
  me: User;
  /** The identity providers with which people can sign in. */
  identityProviders: Array<IdentityProvider>;
  /** Lists accounts, newest first. */
  users: UserConnection;
  /** Returns one account; null if it does not exist. */
  user?: Maybe<User>;
  /** Lists audit events, newest first. */
  auditEvents: AuditEventConnection;
  /** Lists OAuth clients: those of metadata documents, then the others, newest first. */
  oauthClients: OAuthClientConnection;
  /** Returns one OAuth client; null if it does not exist. */
  oauthClient?: Maybe<OAuthClient>;
  /** Lists the API keys of an account that are not revoked, oldest first. `NOT_FOUND` for an unknown account. */
  userApiKeys: Array<ApiKey>;
  /** Lists service accounts, newest first. */
  serviceAccounts: ServiceAccountConnection;
};

/** The queries. */
export type QueryUsersArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
};

/** The queries. */
export type QueryUserArgs = {
  id: Scalars['ID']['input'];
};

/** The queries. */
export type QueryAuditEventsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  userId?: InputMaybe<Scalars['ID']['input']>;
};

/** The queries. */
export type QueryOauthClientsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
};

/** The queries. */
export type QueryOauthClientArgs = {
  id: Scalars['ID']['input'];
};

/** The queries. */
export type QueryUserApiKeysArgs = {
  userId: Scalars['ID']['input'];
};

/** The queries. */
export type QueryServiceAccountsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type Mutation = {
  __typename?: 'Mutation';
  /** Creates an account, opens its first session and sends an email with a link that confirms the address. */
  register: AuthPayload;
  /**
   * Opens a session. An unknown account and a wrong password return the same `INVALID_CREDENTIALS` after the same time. Failed
   * attempts are counted by account and network: after five, `RATE_LIMIT_EXCEEDED` for a period that doubles with each failure.
   */
  login: AuthPayload;
  /**
   * Finishes a sign-in that was answered with `SECOND_FACTOR_REQUIRED`. `rememberMe` and `transport` are those of the first step. A
   * wrong factor is `INVALID_CODE` and counts as a failed login; after five tries, or five minutes, the challenge is
   * `INVALID_TOKEN`. With the transport COOKIE, only the browser of the first step may finish it.
   */
  loginWithSecondFactor: AuthPayload;
  /**
   * Renews the proof of the current session, after `STEP_UP_REQUIRED`, and returns new tokens for it; earlier ones are no longer
   * valid. An account with a second factor needs one: its password is answered with `STEP_UP_REQUIRED`. Failures count as failed
   * logins.
   */
  reauthenticate: AuthPayload;
  /** Starts to enrol an authenticator app, in place of an earlier start. It changes nothing until a code confirms it. */
  startTotpEnrollment: TotpEnrollment;
  /**
   * Enrols the authenticator app with a code of it, in place of an earlier app. Ends the account's other sessions if it is the first
   * second factor. Returns recovery codes; null if the account has some. The owner is notified by email.
   */
  confirmTotpEnrollment?: Maybe<RecoveryCodes>;
  /** Removes the authenticator app, and the recovery codes if no second factor is left. The owner is notified by email. */
  removeTotp: Scalars['Boolean']['output'];
  /** Creates new recovery codes; earlier ones no longer work. The owner is notified by email. */
  regenerateRecoveryCodes: RecoveryCodes;
  /**
   * Starts the registration of a passkey: returns PublicKeyCredentialCreationOptionsJSON, for `navigator.credentials.create`. An
   * account has at most 20 passkeys.
   */
  startPasskeyRegistration: Scalars['JSON']['output'];
  /**
   * Adds the passkey that `navigator.credentials.create` has returned, within five minutes and in the same session. Ends the
   * account's other sessions if it is the first second factor. The owner is notified by email.
   */
  finishPasskeyRegistration: Passkey;
  /** Renames a passkey of the caller; `NOT_FOUND` for any other. */
  renamePasskey: Passkey;
  /**
   * Removes a passkey of the caller, and the recovery codes if no second factor is left. The last way to log in (a
   * password, a passkey, an identity, or with `EMAIL_LOGIN` a code mailed to a confirmed address) cannot be removed. The owner is notified by
   * email. `NOT_FOUND` for any other passkey.
   */
  removePasskey: Scalars['Boolean']['output'];
  /**
   * Starts a login with a passkey, a second step with one, or a step-up. Without `challenge`, the options accept every passkey of the
   * site, whose user must be verified.
   */
  startPasskeyLogin: PasskeyChallenge;
  /**
   * Opens a session with a passkey that has verified its user: two factors. An unknown passkey and a wrong response return the same
   * `INVALID_CREDENTIALS`, and count as failed logins. `INVALID_TOKEN` for a challenge that is unknown, used or expired.
   */
  loginWithPasskey: AuthPayload;
  /** Renews a session: returns a new access token and a new refresh token. Each refresh token is valid once. */
  refresh: AuthPayload;
  /**
   * Ends the session of the caller. Its tokens are invalid from the next request, and its cookie is cleared. Without a valid
   * access token, the session of the refresh cookie ends.
   */
  logout: Scalars['Boolean']['output'];
  /**
   * Updates the account of the caller. A change of `email` or `username` requires the person's own session, and a login within
   * the last 15 minutes or `currentPassword`; otherwise the error is `STEP_UP_REQUIRED`, whose `methods` list the options. The
   * current address receives an email with a link that cancels the change (`cancelEmailChange`). A wrong `currentPassword`
   * counts as a failed login.
   */
  updateMe: User;
  /**
   * Deletes the account of the caller and ends its sessions. An administrator can restore it for a limited time; then it is
   * purged. Its email address and username stay reserved until then.
   */
  deleteMe: Scalars['Boolean']['output'];
  /** Ends one of the caller's sessions; `NOT_FOUND` for any other. */
  revokeSession: Scalars['Boolean']['output'];
  /** Ends all sessions of the caller except the current one; returns their number. */
  revokeOtherSessions: Scalars['Int']['output'];
  /** Changes the password, ends every other session and returns new tokens for this one. The owner is notified by email. */
  changePassword: AuthPayload;
  /** Sends an email with a link to choose a new password if the account exists. Always returns true, after the same time. */
  requestPasswordReset: Scalars['Boolean']['output'];
  /**
   * Sets a new password with the token of the emailed link, ends every session and opens a new one. The owner is notified by
   * email. `INVALID_TOKEN` for a token that is unknown, used, replaced or older than one hour.
   */
  resetPassword: AuthPayload;
  /**
   * Sends an email with a sign-in code and a link if the account exists. Always returns true, after the same time. At most three
   * emails per hour for an account. `QUERY_REJECTED` unless the server has `EMAIL_LOGIN=true`.
   */
  requestEmailCode: Scalars['Boolean']['output'];
  /**
   * Opens a session with an emailed code, which is valid once, for ten minutes and five tries. An unknown address and a wrong code
   * return the same `INVALID_CODE` after the same time, and count as failed logins. The first code that confirms the address of an
   * account without a second factor voids its password, sessions, API keys, identities and pending address, because a stranger may
   * have registered with the address. `QUERY_REJECTED` unless the server has `EMAIL_LOGIN=true`.
   */
  loginWithEmailCode: AuthPayload;
  /**
   * Starts a sign-in at an identity provider: send the browser to `url`. It returns to `returnTo` with a code, which is valid once,
   * for a minute, for `finishIdentityLogin`.
   */
  startIdentityLogin: IdentityLogin;
  /**
   * Opens a session with the code of an identity provider's sign-in. The first sign-in of an identity creates an account without a
   * password. An identity is never linked by email address: if an account has the address, the error is `IDENTITY_NOT_LINKED`;
   * log in to that account, and link the identity. `INVALID_CODE` for a code that is unknown, used or expired, or another verifier.
   */
  finishIdentityLogin: AuthPayload;
  /** Starts linking an identity to the account of the caller, as `startIdentityLogin` does a sign-in. */
  startIdentityLink: IdentityLogin;
  /**
   * Links an identity with the code that the browser returned with, in the session that started it. The owner is notified by
   * email. `IDENTITY_NOT_LINKED` if the identity is linked to another account, `INVALID_CODE` as for `finishIdentityLogin`.
   */
  finishIdentityLink: Identity;
  /**
   * Unlinks an identity of the caller. The last way to log in (as for `removePasskey`) cannot be removed. The owner is notified by
   * email. `NOT_FOUND` for any other identity.
   */
  unlinkIdentity: Scalars['Boolean']['output'];
  /**
   * Opens a session with a token of Plex, as `finishIdentityLogin` does with a code. `INVALID_PLEX_TOKEN` if Plex refuses the token,
   * `IDENTITY_PROVIDER_ERROR` if Plex does not say, `INSUFFICIENT_PERMISSIONS` if the account may not use `PLEX_SERVER_ID`.
   * `QUERY_REJECTED` unless the server has `PLEX_ACCEPT_TOKENS`: a token is not bound to this application.
   */
  loginWithPlex: AuthPayload;
  /** Sends an email with a link that confirms `pendingEmail`, or `email` if no change is pending; at most five per hour. */
  requestEmailVerification: Scalars['Boolean']['output'];
  /**
   * Confirms the email address that the token was sent to; a pending address replaces the current one. `INVALID_TOKEN` for a
   * token that is unknown, used, replaced or older than one day.
   */
  verifyEmail: User;
  /**
   * Cancels a change of the email address or username, and every later such change, with the token of the notification email.
   * Restores the previous values, ends all sessions and invalidates emailed links. The token is valid for seven days, also
   * after the change took effect. A password set after the change took effect becomes invalid, and the restored address
   * receives a link to choose a new one. Second factors that were added since the change was requested are removed. Returns true
   * without effect if the token was used before. `INVALID_TOKEN` for a token that is unknown or expired.
   */
  cancelEmailChange: Scalars['Boolean']['output'];
  /**
   * Removes an unconfirmed email address from an account, for the owner of the address who did not request it. Takes the token
   * of the confirmation email. A pending change is cancelled; an account without another address gets a placeholder below
   * `released.invalid`. The address becomes available again. `INVALID_TOKEN` as for `verifyEmail`, and for a confirmed
   * address.
   */
  rejectEmailVerification: Scalars['Boolean']['output'];
  /** Updates an account. The last administrator cannot be demoted or disabled. */
  updateUser: User;
  /** Deletes an account, as `deleteMe` does. */
  deleteUser: Scalars['Boolean']['output'];
  /** Restores a deleted account within the restore window. Its sessions stay ended. */
  restoreUser: User;
  /**
   * Removes all second factors of an account and its recovery codes, and ends its sessions, for a person who has lost them. The
   * owner is notified by email. Returns false if the account has none.
   */
  resetSecondFactors: Scalars['Boolean']['output'];
  /** Ends all sessions of an account; returns their number. */
  revokeUserSessions: Scalars['Int']['output'];
  /**
   * Revokes the caller's authorization of an OAuth client: its tokens are invalid from the next request on, its WebSockets close,
   * and it must ask for consent again. `NOT_FOUND` if the caller has not authorized it.
   */
  revokeAuthorizedApp: Scalars['Boolean']['output'];
  /** Registers an OAuth client. With CLIENT_CREDENTIALS, it also creates a service account for it unless one is named. */
  createOAuthClient: CreatedOAuthClient;
  /**
   * Updates an OAuth client, at once for its grants as well: disabling it ends them, and scopes that are removed are removed from
   * them. Unused codes and pending requests become invalid with it.
   */
  updateOAuthClient: OAuthClient;
  /** Replaces the secret of an OAuth client; returns the new one. A secret that an earlier rotation replaced becomes invalid at once. */
  rotateOAuthClientSecret: CreatedOAuthClient;
  /** Deletes an OAuth client, its grants, and the service account that was created with it. */
  deleteOAuthClient: Scalars['Boolean']['output'];
  /**
   * Creates an API key of the caller. The key is shown only in this answer. Its scopes must be among those of the session. The owner
   * is notified by email. An account has at most 50 keys.
   */
  createApiKey: CreatedApiKey;
  /**
   * Gives an API key of the caller a new secret, which is shown only in this answer. The owner is notified by email. `NOT_FOUND` for any
   * other key, and for one that is revoked or expired.
   */
  rotateApiKey: CreatedApiKey;
  /** Revokes an API key of the caller, from the next request on; `NOT_FOUND` for any other. */
  revokeApiKey: Scalars['Boolean']['output'];
  /** Revokes an API key of any account. The owner is notified by email. `NOT_FOUND` for a revoked key. */
  revokeUserApiKey: Scalars['Boolean']['output'];
  /** Creates a service account. It has no credentials yet. */
  createServiceAccount: ServiceAccount;
  /** Updates a service account. While it is disabled, all its credentials are refused. */
  updateServiceAccount: ServiceAccount;
  /** Deletes a service account and all its credentials. */
  deleteServiceAccount: Scalars['Boolean']['output'];
  /**
   * Creates an API key of a service account. The key is shown only in this answer. Its scopes must be among those of the service
   * account, which has at most 50 keys.
   */
  createServiceAccountKey: CreatedApiKey;
  /** Revokes an API key of a service account; `NOT_FOUND` for any other. */
  revokeServiceAccountKey: Scalars['Boolean']['output'];
};

/** The mutations. */
export type MutationRegisterArgs = {
  input: RegisterInput;
};

/** The mutations. */
export type MutationLoginArgs = {
  input: LoginInput;
};

/** The mutations. */
export type MutationLoginWithSecondFactorArgs = {
  input: SecondFactorInput;
};

/** The mutations. */
export type MutationReauthenticateArgs = {
  input: ReauthenticateInput;
};

/** The mutations. */
export type MutationConfirmTotpEnrollmentArgs = {
  code: Scalars['String']['input'];
};

/** The mutations. */
export type MutationFinishPasskeyRegistrationArgs = {
  response: Scalars['JSON']['input'];
  name?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type MutationRenamePasskeyArgs = {
  id: Scalars['ID']['input'];
  name: Scalars['String']['input'];
};

/** The mutations. */
export type MutationRemovePasskeyArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationStartPasskeyLoginArgs = {
  challenge?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type MutationLoginWithPasskeyArgs = {
  input: PasskeyLoginInput;
};

/** The mutations. */
export type MutationRefreshArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
  scope?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type MutationUpdateMeArgs = {
  input: UpdateMeInput;
};

/** The mutations. */
export type MutationDeleteMeArgs = {
  input: DeleteMeInput;
};

/** The mutations. */
export type MutationRevokeSessionArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationChangePasswordArgs = {
  input: ChangePasswordInput;
};

/** The mutations. */
export type MutationRequestPasswordResetArgs = {
  email: Scalars['String']['input'];
};

/** The mutations. */
export type MutationResetPasswordArgs = {
  input: ResetPasswordInput;
};

/** The mutations. */
export type MutationRequestEmailCodeArgs = {
  email: Scalars['String']['input'];
};

/** The mutations. */
export type MutationLoginWithEmailCodeArgs = {
  input: EmailCodeInput;
};

/** The mutations. */
export type MutationStartIdentityLoginArgs = {
  input: StartIdentityLoginInput;
};

/** The mutations. */
export type MutationFinishIdentityLoginArgs = {
  input: FinishIdentityLoginInput;
};

/** The mutations. */
export type MutationStartIdentityLinkArgs = {
  input: StartIdentityLinkInput;
};

/** The mutations. */
export type MutationFinishIdentityLinkArgs = {
  code: Scalars['String']['input'];
  codeVerifier?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type MutationUnlinkIdentityArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationLoginWithPlexArgs = {
  input: PlexLoginInput;
};

/** The mutations. */
export type MutationVerifyEmailArgs = {
  token: Scalars['String']['input'];
};

/** The mutations. */
export type MutationCancelEmailChangeArgs = {
  token: Scalars['String']['input'];
};

/** The mutations. */
export type MutationRejectEmailVerificationArgs = {
  token: Scalars['String']['input'];
};

/** The mutations. */
export type MutationUpdateUserArgs = {
  id: Scalars['ID']['input'];
  input: UpdateUserInput;
};

/** The mutations. */
export type MutationDeleteUserArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationRestoreUserArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationResetSecondFactorsArgs = {
  userId: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationRevokeUserSessionsArgs = {
  userId: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationRevokeAuthorizedAppArgs = {
  clientId: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationCreateOAuthClientArgs = {
  input: CreateOAuthClientInput;
};

/** The mutations. */
export type MutationUpdateOAuthClientArgs = {
  id: Scalars['ID']['input'];
  input: UpdateOAuthClientInput;
};

/** The mutations. */
export type MutationRotateOAuthClientSecretArgs = {
  id: Scalars['ID']['input'];
  overlap?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type MutationDeleteOAuthClientArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationCreateApiKeyArgs = {
  input: CreateApiKeyInput;
};

/** The mutations. */
export type MutationRotateApiKeyArgs = {
  id: Scalars['ID']['input'];
  overlap?: InputMaybe<Scalars['String']['input']>;
};

/** The mutations. */
export type MutationRevokeApiKeyArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationRevokeUserApiKeyArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationCreateServiceAccountArgs = {
  input: CreateServiceAccountInput;
};

/** The mutations. */
export type MutationUpdateServiceAccountArgs = {
  id: Scalars['ID']['input'];
  input: UpdateServiceAccountInput;
};

/** The mutations. */
export type MutationDeleteServiceAccountArgs = {
  id: Scalars['ID']['input'];
};

/** The mutations. */
export type MutationCreateServiceAccountKeyArgs = {
  id: Scalars['ID']['input'];
  input: CreateApiKeyInput;
};

/** The mutations. */
export type MutationRevokeServiceAccountKeyArgs = {
  id: Scalars['ID']['input'];
};

/**
 * The subscriptions, over WebSocket (`graphql-transport-ws`) with the access token as `authorization` in the payload of
 * `connection_init`. Events are delivered after the commit, at most once, and in order for each account. The socket closes with
 * 4403 when the token expires or the password changes, and with 4401 when the session ends or loses a required scope.
 */
export type Subscription = {
  __typename?: 'Subscription';
  /**
   * The account of the caller after each change of its names, addresses, preferences, role or flags. Logins and sessions are
   * reported by `securityEvents`.
   */
  meUpdated: User;
  /**
   * The audit events of the caller's account. If another account caused the event, such as an administrator, `ipAddress` and
   * `userAgent` are null.
   */
  securityEvents: AuditEvent;
  /** The audit events of all accounts. */
  auditEvents: AuditEvent;
};

/** Input for creating an API key. */
export type CreateApiKeyInput = {
  /** At most 64 characters. */
  name: Scalars['String']['input'];
  /** At least one, all of them scopes of the owner. */
  scopes: Array<Scalars['Scope']['input']>;
  /** When the key expires: in the future, and within ten years. Without it, the key does not expire. */
  expiresAt?: InputMaybe<Scalars['DateTime']['input']>;
  /**
   * The networks from which the key is accepted, such as `192.0.2.0/24`, `2001:db8::/32` or an address; at most 32. Without it, and if
   * empty, all.
   */
  networks?: InputMaybe<Array<Scalars['String']['input']>>;
};

/** Input for creating a service account. */
export type CreateServiceAccountInput = {
  /** At most 64 characters. */
  name: Scalars['String']['input'];
  /** The scopes that its credentials may have. */
  scopes: Array<Scalars['Scope']['input']>;
};

/** Input for updating a service account; omitted fields stay, and none can be cleared. */
export type UpdateServiceAccountInput = {
  /** At most 64 characters. */
  name?: InputMaybe<Scalars['String']['input']>;
  /** The scopes that its credentials may have; they lose the others with the next request. */
  scopes?: InputMaybe<Array<Scalars['Scope']['input']>>;
  /** Whether the service account is disabled. */
  disabled?: InputMaybe<Scalars['Boolean']['input']>;
};

/** Input for creating an account. */
export type RegisterInput = {
  /** An email address that no other account has. */
  email: Scalars['String']['input'];
  /** 3 to 32 letters, digits, dots, dashes or underscores; unique regardless of case. */
  username: Scalars['String']['input'];
  /** `PASSWORD_MIN_LENGTH` to 256 characters; not a common password, and not derived from the account's names. */
  password: Scalars['String']['input'];
  /** If given, must equal the password. */
  passwordConfirmation?: InputMaybe<Scalars['String']['input']>;
  /** The name shown to other people, at most 64 characters. */
  displayName?: InputMaybe<Scalars['String']['input']>;
  /** Whether the session gets the longer of the two configured lifetimes. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for logging in. */
export type LoginInput = {
  /** The email address or the username, in any case. */
  identifier: Scalars['String']['input'];
  /** The password. */
  password: Scalars['String']['input'];
  /** Whether the session gets the longer of the two configured lifetimes. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for logging in with an emailed code. */
export type EmailCodeInput = {
  /** The email address of the account, in any case; ignored with the token of a link. */
  email: Scalars['String']['input'];
  /**
   * The code, in any case, with or without spaces and hyphens. A page behind the emailed link sends the link's token instead; the
   * error is then `INVALID_TOKEN`.
   */
  code: Scalars['String']['input'];
  /** Whether the session gets the longer of the two configured lifetimes. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for starting a sign-in at an identity provider. */
export type StartIdentityLoginInput = {
  /** The id of the provider. */
  provider: Scalars['String']['input'];
  /** Where the browser returns: a URL at an origin, or with a scheme, of `RETURN_TO_ORIGINS`. */
  returnTo: Scalars['String']['input'];
  /** The PKCE challenge (RFC 7636, S256) of a random verifier, which only the client knows. */
  codeChallenge: Scalars['String']['input'];
};

/** Input for finishing a sign-in at an identity provider. */
export type FinishIdentityLoginInput = {
  /** The code with which the browser returned. */
  code: Scalars['String']['input'];
  /** The PKCE verifier (RFC 7636). */
  codeVerifier: Scalars['String']['input'];
  /** Whether the session gets the longer of the two configured lifetimes. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for linking an identity. */
export type StartIdentityLinkInput = {
  /** As in `StartIdentityLoginInput`. */
  provider: Scalars['String']['input'];
  /** As in `StartIdentityLoginInput`. */
  returnTo: Scalars['String']['input'];
  /** As in `StartIdentityLoginInput`. The code works in the caller's session only, so it is optional. */
  codeChallenge?: InputMaybe<Scalars['String']['input']>;
};

/** Input for logging in with a token of Plex. */
export type PlexLoginInput = {
  /** The token. */
  plexToken: Scalars['String']['input'];
  /** Whether the session gets the longer of the two configured lifetimes. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for updating the current account; omitted fields stay. */
export type UpdateMeInput = {
  /** As in `RegisterInput`; cannot be cleared. Requires a recent login. The previous username stays reserved for seven days. */
  username?: InputMaybe<Scalars['String']['input']>;
  /**
   * As in `RegisterInput`; cannot be cleared. Requires a recent login. The new address is stored in `pendingEmail` until it is
   * confirmed. The current address is notified, and stays reserved for seven days after the change. Sending the current address
   * cancels a pending change.
   */
  email?: InputMaybe<Scalars['String']['input']>;
  /** The password, instead of a recent login, for a change of `email` or `username`; otherwise ignored. */
  currentPassword?: InputMaybe<Scalars['String']['input']>;
  /** The name shown to other people, at most 64 characters; `null` clears it. */
  displayName?: InputMaybe<Scalars['String']['input']>;
  /** An https URL of at most 2048 characters; `null` clears it. */
  avatarUrl?: InputMaybe<Scalars['String']['input']>;
  /** The preferences; omitted fields stay. */
  preferences?: InputMaybe<PreferencesInput>;
};

/** Input for updating preferences; omitted fields stay, and none can be cleared. */
export type PreferencesInput = {
  /** The color scheme. */
  theme?: InputMaybe<Theme>;
  /** Whether the product may send notifications. */
  notifications?: InputMaybe<Scalars['Boolean']['input']>;
  /** A BCP 47 language tag such as `en` or `pt-BR`. */
  language?: InputMaybe<Scalars['String']['input']>;
};

/** Input for logging in with a passkey. */
export type PasskeyLoginInput = {
  /** The challenge of `startPasskeyLogin`. */
  challenge: Scalars['String']['input'];
  /** AuthenticationResponseJSON: what `navigator.credentials.get` has returned. */
  response: Scalars['JSON']['input'];
  /** Whether the session gets the longer of the two configured lifetimes. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for finishing a sign-in; exactly one factor. */
export type SecondFactorInput = {
  /** The challenge in the extensions of `SECOND_FACTOR_REQUIRED`. */
  challenge: Scalars['String']['input'];
  /** A code of the authenticator app. Spaces are ignored. */
  totp?: InputMaybe<Scalars['String']['input']>;
  /** A recovery code, in any case, with or without dashes. It is used up, and the owner is notified by email. */
  recoveryCode?: InputMaybe<Scalars['String']['input']>;
  /** AuthenticationResponseJSON to the options of `startPasskeyLogin`. */
  passkey?: InputMaybe<Scalars['JSON']['input']>;
};

/** Input for proving the person of a session again; exactly one field. */
export type ReauthenticateInput = {
  /** The password, for an account without a second factor. */
  password?: InputMaybe<Scalars['String']['input']>;
  /** A code of the authenticator app. Spaces are ignored. */
  totp?: InputMaybe<Scalars['String']['input']>;
  /** A recovery code, in any case, with or without dashes. It is used up, and the owner is notified by email. */
  recoveryCode?: InputMaybe<Scalars['String']['input']>;
  /** AuthenticationResponseJSON to the options of `startPasskeyLogin`. */
  passkey?: InputMaybe<Scalars['JSON']['input']>;
};

/** Input for deleting the current account. */
export type DeleteMeInput = {
  /** Must be `DELETE_MY_ACCOUNT`. */
  confirmation: Scalars['String']['input'];
  /** The password. An account without one needs a login within the last 15 minutes instead; otherwise `STEP_UP_REQUIRED`. */
  password?: InputMaybe<Scalars['String']['input']>;
};

/** Input for changing the password of the current account. */
export type ChangePasswordInput = {
  /** The current password. An account without one needs a login within the last 15 minutes instead; otherwise `STEP_UP_REQUIRED`. */
  currentPassword?: InputMaybe<Scalars['String']['input']>;
  /** As in `RegisterInput`. */
  newPassword: Scalars['String']['input'];
  /** If given, must equal the new password. */
  newPasswordConfirmation?: InputMaybe<Scalars['String']['input']>;
};

/** Input for resetting a password with an emailed token. */
export type ResetPasswordInput = {
  /** The token of the emailed link. */
  token: Scalars['String']['input'];
  /** As in `RegisterInput`. */
  password: Scalars['String']['input'];
  /** If given, must equal the password. */
  passwordConfirmation?: InputMaybe<Scalars['String']['input']>;
  /** How the refresh token is delivered. */
  transport?: InputMaybe<TokenTransport>;
};

/** Input for updating an account as an administrator; omitted fields stay, and none can be cleared. */
export type UpdateUserInput = {
  /** The role of the account. */
  role?: InputMaybe<Role>;
  /** Whether the account has the paid features of the product. */
  isPremium?: InputMaybe<Scalars['Boolean']['input']>;
  /** Whether the email address counts as confirmed. */
  isVerified?: InputMaybe<Scalars['Boolean']['input']>;
  /** Whether the account is disabled: its sessions end, and it cannot log in. */
  disabled?: InputMaybe<Scalars['Boolean']['input']>;
};

/** Input for registering an OAuth client. */
export type CreateOAuthClientInput = {
  /** The name that people see, at most 64 characters. */
  name: Scalars['String']['input'];
  /** By default CONFIDENTIAL; PUBLIC with the authentication method NONE. */
  type?: InputMaybe<OAuthClientType>;
  /** By default CLIENT_SECRET; NONE for a public client, which can have no other. */
  authMethod?: InputMaybe<OAuthClientAuthMethod>;
  /**
   * Absolute URIs in canonical form, at most 20, without fragment, credentials and wildcard: https, or http on `127.0.0.1` or `[::1]`,
   * or for public clients with a scheme such as `com.example.app`. AUTHORIZATION_CODE needs at least one.
   */
  redirectUris?: InputMaybe<Array<Scalars['String']['input']>>;
  /** As `redirectUris`; none by default. */
  postLogoutRedirectUris?: InputMaybe<Array<Scalars['String']['input']>>;
  /** CLIENT_CREDENTIALS is for confidential clients. */
  grantTypes?: InputMaybe<Array<OAuthGrantType>>;
  /** By default `openid`, `profile`, `email` and the scopes of users. */
  scopes?: InputMaybe<Array<Scalars['Scope']['input']>>;
  /** Whether it must use PKCE; only a confidential client may do without. */
  requirePkce?: InputMaybe<Scalars['Boolean']['input']>;
  /** Whether it needs no consent. */
  firstParty?: InputMaybe<Scalars['Boolean']['input']>;
  /** Whether it may introspect and revoke the tokens of other clients; for confidential clients. */
  mayIntrospect?: InputMaybe<Scalars['Boolean']['input']>;
  /** A JWK Set of public keys, for PRIVATE_KEY_JWT: RSA of 2048 bits or more, EC, or Ed25519. */
  jwks?: InputMaybe<Scalars['JSON']['input']>;
  /** An https address for logout tokens; also http for a confidential client. */
  backchannelLogoutUri?: InputMaybe<Scalars['String']['input']>;
  /** With CLIENT_CREDENTIALS: the service account to act as; by default a new one with the client's name and scopes. */
  serviceAccountId?: InputMaybe<Scalars['ID']['input']>;
};

/**
 * Input for updating an OAuth client; omitted fields stay, and `null` clears `jwks` and `backchannelLogoutUri` only. Of the client of a
 * metadata document, only `disabled` can be changed.
 */
export type UpdateOAuthClientInput = {
  /** As in `CreateOAuthClientInput`. */
  name?: InputMaybe<Scalars['String']['input']>;
  /** As in `CreateOAuthClientInput`; replaces the list. */
  redirectUris?: InputMaybe<Array<Scalars['String']['input']>>;
  /** As in `CreateOAuthClientInput`; replaces the list. */
  postLogoutRedirectUris?: InputMaybe<Array<Scalars['String']['input']>>;
  /** As in `CreateOAuthClientInput`; replaces the list. */
  grantTypes?: InputMaybe<Array<OAuthGrantType>>;
  /** As in `CreateOAuthClientInput`; replaces the list. Scopes that are left out are removed from the client's grants. */
  scopes?: InputMaybe<Array<Scalars['Scope']['input']>>;
  /** As in `CreateOAuthClientInput`. */
  requirePkce?: InputMaybe<Scalars['Boolean']['input']>;
  /** As in `CreateOAuthClientInput`. */
  firstParty?: InputMaybe<Scalars['Boolean']['input']>;
  /** As in `CreateOAuthClientInput`. */
  mayIntrospect?: InputMaybe<Scalars['Boolean']['input']>;
  /** As in `CreateOAuthClientInput`. */
  jwks?: InputMaybe<Scalars['JSON']['input']>;
  /** As in `CreateOAuthClientInput`. */
  backchannelLogoutUri?: InputMaybe<Scalars['String']['input']>;
  /** Whether the client is disabled: its grants end, and it gets no tokens. */
  disabled?: InputMaybe<Scalars['Boolean']['input']>;
};

export type ResolverTypeWrapper<T> = Promise<T> | T;

export type Resolver<
  TResult,
  TParent = Record<PropertyKey, never>,
  TContext = Record<PropertyKey, never>,
  TArgs = Record<PropertyKey, never>,
> = ResolverFn<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo,
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo,
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo,
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<
  TResult,
  TKey extends string,
  TParent = Record<PropertyKey, never>,
  TContext = Record<PropertyKey, never>,
  TArgs = Record<PropertyKey, never>,
> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo,
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  obj: T,
  context: TContext,
  info: GraphQLResolveInfo,
) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<
  TResult = Record<PropertyKey, never>,
  TParent = Record<PropertyKey, never>,
  TContext = Record<PropertyKey, never>,
  TArgs = Record<PropertyKey, never>,
> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo,
) => TResult | Promise<TResult>;

/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  Scope: ResolverTypeWrapper<Scalars['Scope']['output']>;
  JSON: ResolverTypeWrapper<Scalars['JSON']['output']>;
  RateLimitKey: RateLimitKey;
  Role: Role;
  Theme: Theme;
  TokenTransport: TokenTransport;
  OAuthClientType: OAuthClientType;
  OAuthClientAuthMethod: OAuthClientAuthMethod;
  OAuthGrantType: OAuthGrantType;
  OAuthClientSource: OAuthClientSource;
  User: ResolverTypeWrapper<AccountRecord>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  SecondFactors: ResolverTypeWrapper<AccountRecord>;
  Totp: ResolverTypeWrapper<Totp>;
  Passkey: ResolverTypeWrapper<Passkey>;
  PasskeyChallenge: ResolverTypeWrapper<PasskeyChallenge>;
  TotpEnrollment: ResolverTypeWrapper<TotpEnrollment>;
  RecoveryCodes: ResolverTypeWrapper<RecoveryCodes>;
  IdentityProvider: ResolverTypeWrapper<IdentityProvider>;
  IdentityProviderKind: IdentityProviderKind;
  IdentityLogin: ResolverTypeWrapper<IdentityLogin>;
  Identity: ResolverTypeWrapper<IdentityRow>;
  Preferences: ResolverTypeWrapper<Preferences>;
  Session: ResolverTypeWrapper<SessionView>;
  SessionApp: ResolverTypeWrapper<SessionApp>;
  AuthorizedApp: ResolverTypeWrapper<AuthorizedApp>;
  OAuthClient: ResolverTypeWrapper<OAuthClientRecord>;
  CreatedOAuthClient: ResolverTypeWrapper<
    Omit<CreatedOAuthClient, 'client'> & { client: ResolversTypes['OAuthClient'] }
  >;
  OAuthClientConnection: ResolverTypeWrapper<
    Omit<OAuthClientConnection, 'edges'> & { edges: Array<ResolversTypes['OAuthClientEdge']> }
  >;
  OAuthClientEdge: ResolverTypeWrapper<Omit<OAuthClientEdge, 'node'> & { node: ResolversTypes['OAuthClient'] }>;
  AuthPayload: ResolverTypeWrapper<AuthPayloadView>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  UserConnection: ResolverTypeWrapper<Omit<UserConnection, 'edges'> & { edges: Array<ResolversTypes['UserEdge']> }>;
  UserEdge: ResolverTypeWrapper<Omit<UserEdge, 'node'> & { node: ResolversTypes['User'] }>;
  ApiKey: ResolverTypeWrapper<ApiKeyRecord>;
  CreatedApiKey: ResolverTypeWrapper<Omit<CreatedApiKey, 'apiKey'> & { apiKey: ResolversTypes['ApiKey'] }>;
  ServiceAccount: ResolverTypeWrapper<ServiceAccountRecord>;
  ServiceAccountConnection: ResolverTypeWrapper<
    Omit<ServiceAccountConnection, 'edges'> & { edges: Array<ResolversTypes['ServiceAccountEdge']> }
  >;
  ServiceAccountEdge: ResolverTypeWrapper<
    Omit<ServiceAccountEdge, 'node'> & { node: ResolversTypes['ServiceAccount'] }
  >;
  ActorKind: ActorKind;
  AuditEvent: ResolverTypeWrapper<AuditRecord>;
  AuditEventConnection: ResolverTypeWrapper<
    Omit<AuditEventConnection, 'edges'> & { edges: Array<ResolversTypes['AuditEventEdge']> }
  >;
  AuditEventEdge: ResolverTypeWrapper<Omit<AuditEventEdge, 'node'> & { node: ResolversTypes['AuditEvent'] }>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  CreateApiKeyInput: CreateApiKeyInput;
  CreateServiceAccountInput: CreateServiceAccountInput;
  UpdateServiceAccountInput: UpdateServiceAccountInput;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  EmailCodeInput: EmailCodeInput;
  StartIdentityLoginInput: StartIdentityLoginInput;
  FinishIdentityLoginInput: FinishIdentityLoginInput;
  StartIdentityLinkInput: StartIdentityLinkInput;
  PlexLoginInput: PlexLoginInput;
  UpdateMeInput: UpdateMeInput;
  PreferencesInput: PreferencesInput;
  PasskeyLoginInput: PasskeyLoginInput;
  SecondFactorInput: SecondFactorInput;
  ReauthenticateInput: ReauthenticateInput;
  DeleteMeInput: DeleteMeInput;
  ChangePasswordInput: ChangePasswordInput;
  ResetPasswordInput: ResetPasswordInput;
  UpdateUserInput: UpdateUserInput;
  CreateOAuthClientInput: CreateOAuthClientInput;
  UpdateOAuthClientInput: UpdateOAuthClientInput;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DateTime: Scalars['DateTime']['output'];
  Scope: Scalars['Scope']['output'];
  JSON: Scalars['JSON']['output'];
  User: AccountRecord;
  ID: Scalars['ID']['output'];
  Boolean: Scalars['Boolean']['output'];
  SecondFactors: AccountRecord;
  Totp: Totp;
  Passkey: Passkey;
  PasskeyChallenge: PasskeyChallenge;
  TotpEnrollment: TotpEnrollment;
  RecoveryCodes: RecoveryCodes;
  IdentityProvider: IdentityProvider;
  IdentityLogin: IdentityLogin;
  Identity: IdentityRow;
  Preferences: Preferences;
  Session: SessionView;
  SessionApp: SessionApp;
  AuthorizedApp: AuthorizedApp;
  OAuthClient: OAuthClientRecord;
  CreatedOAuthClient: Omit<CreatedOAuthClient, 'client'> & { client: ResolversParentTypes['OAuthClient'] };
  OAuthClientConnection: Omit<OAuthClientConnection, 'edges'> & {
    edges: Array<ResolversParentTypes['OAuthClientEdge']>;
  };
  OAuthClientEdge: Omit<OAuthClientEdge, 'node'> & { node: ResolversParentTypes['OAuthClient'] };
  AuthPayload: AuthPayloadView;
  PageInfo: PageInfo;
  UserConnection: Omit<UserConnection, 'edges'> & { edges: Array<ResolversParentTypes['UserEdge']> };
  UserEdge: Omit<UserEdge, 'node'> & { node: ResolversParentTypes['User'] };
  ApiKey: ApiKeyRecord;
  CreatedApiKey: Omit<CreatedApiKey, 'apiKey'> & { apiKey: ResolversParentTypes['ApiKey'] };
  ServiceAccount: ServiceAccountRecord;
  ServiceAccountConnection: Omit<ServiceAccountConnection, 'edges'> & {
    edges: Array<ResolversParentTypes['ServiceAccountEdge']>;
  };
  ServiceAccountEdge: Omit<ServiceAccountEdge, 'node'> & { node: ResolversParentTypes['ServiceAccount'] };
  AuditEvent: AuditRecord;
  AuditEventConnection: Omit<AuditEventConnection, 'edges'> & { edges: Array<ResolversParentTypes['AuditEventEdge']> };
  AuditEventEdge: Omit<AuditEventEdge, 'node'> & { node: ResolversParentTypes['AuditEvent'] };
  Query: Record<PropertyKey, never>;
  Mutation: Record<PropertyKey, never>;
  Subscription: Record<PropertyKey, never>;
  CreateApiKeyInput: CreateApiKeyInput;
  CreateServiceAccountInput: CreateServiceAccountInput;
  UpdateServiceAccountInput: UpdateServiceAccountInput;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  EmailCodeInput: EmailCodeInput;
  StartIdentityLoginInput: StartIdentityLoginInput;
  FinishIdentityLoginInput: FinishIdentityLoginInput;
  StartIdentityLinkInput: StartIdentityLinkInput;
  PlexLoginInput: PlexLoginInput;
  UpdateMeInput: UpdateMeInput;
  PreferencesInput: PreferencesInput;
  PasskeyLoginInput: PasskeyLoginInput;
  SecondFactorInput: SecondFactorInput;
  ReauthenticateInput: ReauthenticateInput;
  DeleteMeInput: DeleteMeInput;
  ChangePasswordInput: ChangePasswordInput;
  ResetPasswordInput: ResetPasswordInput;
  UpdateUserInput: UpdateUserInput;
  CreateOAuthClientInput: CreateOAuthClientInput;
  UpdateOAuthClientInput: UpdateOAuthClientInput;
  String: Scalars['String']['output'];
  Int: Scalars['Int']['output'];
};

export type PublicDirectiveArgs = {};

export type PublicDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = PublicDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type AuthenticatedDirectiveArgs = {};

export type AuthenticatedDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = AuthenticatedDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type RequiresSessionDirectiveArgs = {};

export type RequiresSessionDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = RequiresSessionDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type RequiresRecentLoginDirectiveArgs = {
  within?: Scalars['String']['input'];
};

export type RequiresRecentLoginDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = RequiresRecentLoginDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type OrRefreshCookieDirectiveArgs = {};

export type OrRefreshCookieDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = OrRefreshCookieDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type AllowedDuringEnrollmentDirectiveArgs = {};

export type AllowedDuringEnrollmentDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = AllowedDuringEnrollmentDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type RequiresScopesDirectiveArgs = {
  scopes: Array<Array<Scalars['Scope']['input']>>;
};

export type RequiresScopesDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = RequiresScopesDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type RateLimitDirectiveArgs = {
  max: Scalars['Int']['input'];
  window: Scalars['String']['input'];
  by?: Array<RateLimitKey>;
};

export type RateLimitDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = RateLimitDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export type OneCredentialAttemptDirectiveArgs = {};

export type OneCredentialAttemptDirectiveResolver<
  Result,
  Parent,
  ContextType = GraphqlContext,
  Args = OneCredentialAttemptDirectiveArgs,
> = DirectiveResolverFn<Result, Parent, ContextType, Args>;

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export interface ScopeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['Scope'], any> {
  name: 'Scope';
}

export interface JsonScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['JSON'], any> {
  name: 'JSON';
}

export type UserResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['User'] = ResolversParentTypes['User'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  email?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  pendingEmail?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  username?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  displayName?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  avatarUrl?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  role?: Resolver<ResolversTypes['Role'], ParentType, ContextType>;
  isVerified?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  isPremium?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  preferences?: Resolver<ResolversTypes['Preferences'], ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastLoginAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  sessions?: Resolver<
    Array<ResolversTypes['Session']>,
    ParentType,
    ContextType,
    RequireFields<UserSessionsArgs, 'first'>
  >;
  hasPassword?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  secondFactors?: Resolver<ResolversTypes['SecondFactors'], ParentType, ContextType>;
  identities?: Resolver<Array<ResolversTypes['Identity']>, ParentType, ContextType>;
  authorizedApps?: Resolver<Array<ResolversTypes['AuthorizedApp']>, ParentType, ContextType>;
  apiKeys?: Resolver<Array<ResolversTypes['ApiKey']>, ParentType, ContextType>;
  disabledAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  deletedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type SecondFactorsResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['SecondFactors'] = ResolversParentTypes['SecondFactors'],
> = {
  totp?: Resolver<Maybe<ResolversTypes['Totp']>, ParentType, ContextType>;
  passkeys?: Resolver<Array<ResolversTypes['Passkey']>, ParentType, ContextType>;
  recoveryCodesLeft?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  required?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type TotpResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Totp'] = ResolversParentTypes['Totp'],
> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type PasskeyResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Passkey'] = ResolversParentTypes['Passkey'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  synced?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
};

export type PasskeyChallengeResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['PasskeyChallenge'] = ResolversParentTypes['PasskeyChallenge'],
> = {
  challenge?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  options?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type TotpEnrollmentResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['TotpEnrollment'] = ResolversParentTypes['TotpEnrollment'],
> = {
  secret?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  uri?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type RecoveryCodesResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['RecoveryCodes'] = ResolversParentTypes['RecoveryCodes'],
> = {
  codes?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
};

export type IdentityProviderResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['IdentityProvider'] = ResolversParentTypes['IdentityProvider'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  kind?: Resolver<ResolversTypes['IdentityProviderKind'], ParentType, ContextType>;
};

export type IdentityLoginResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['IdentityLogin'] = ResolversParentTypes['IdentityLogin'],
> = {
  url?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
};

export type IdentityResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Identity'] = ResolversParentTypes['Identity'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  provider?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  subject?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  displayName?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type PreferencesResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Preferences'] = ResolversParentTypes['Preferences'],
> = {
  theme?: Resolver<ResolversTypes['Theme'], ParentType, ContextType>;
  notifications?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  language?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type SessionResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Session'] = ResolversParentTypes['Session'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  expiresAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userAgent?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  current?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  app?: Resolver<Maybe<ResolversTypes['SessionApp']>, ParentType, ContextType>;
};

export type SessionAppResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['SessionApp'] = ResolversParentTypes['SessionApp'],
> = {
  clientId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type AuthorizedAppResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['AuthorizedApp'] = ResolversParentTypes['AuthorizedApp'],
> = {
  clientId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  scopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  authorizedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type OAuthClientResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['OAuthClient'] = ResolversParentTypes['OAuthClient'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['OAuthClientType'], ParentType, ContextType>;
  authMethod?: Resolver<ResolversTypes['OAuthClientAuthMethod'], ParentType, ContextType>;
  redirectUris?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  postLogoutRedirectUris?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  grantTypes?: Resolver<Array<ResolversTypes['OAuthGrantType']>, ParentType, ContextType>;
  scopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  requirePkce?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  firstParty?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  mayIntrospect?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  jwks?: Resolver<Maybe<ResolversTypes['JSON']>, ParentType, ContextType>;
  backchannelLogoutUri?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  serviceAccountId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  source?: Resolver<ResolversTypes['OAuthClientSource'], ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  disabledAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type CreatedOAuthClientResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['CreatedOAuthClient'] = ResolversParentTypes['CreatedOAuthClient'],
> = {
  client?: Resolver<ResolversTypes['OAuthClient'], ParentType, ContextType>;
  secret?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type OAuthClientConnectionResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['OAuthClientConnection'] = ResolversParentTypes['OAuthClientConnection'],
> = {
  edges?: Resolver<Array<ResolversTypes['OAuthClientEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type OAuthClientEdgeResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['OAuthClientEdge'] = ResolversParentTypes['OAuthClientEdge'],
> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['OAuthClient'], ParentType, ContextType>;
};

export type AuthPayloadResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['AuthPayload'] = ResolversParentTypes['AuthPayload'],
> = {
  accessToken?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  refreshToken?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  tokenType?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  expiresIn?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  scope?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  user?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type PageInfoResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo'],
> = {
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type UserConnectionResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['UserConnection'] = ResolversParentTypes['UserConnection'],
> = {
  edges?: Resolver<Array<ResolversTypes['UserEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type UserEdgeResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['UserEdge'] = ResolversParentTypes['UserEdge'],
> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
};

export type ApiKeyResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['ApiKey'] = ResolversParentTypes['ApiKey'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  prefix?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  scopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  networks?: Resolver<Array<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  rotatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  overlapEndsAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  expiresAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  lastUsedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type CreatedApiKeyResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['CreatedApiKey'] = ResolversParentTypes['CreatedApiKey'],
> = {
  apiKey?: Resolver<ResolversTypes['ApiKey'], ParentType, ContextType>;
  key?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type ServiceAccountResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['ServiceAccount'] = ResolversParentTypes['ServiceAccount'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  scopes?: Resolver<Array<ResolversTypes['Scope']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  disabledAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  apiKeys?: Resolver<Array<ResolversTypes['ApiKey']>, ParentType, ContextType>;
};

export type ServiceAccountConnectionResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['ServiceAccountConnection'] =
    ResolversParentTypes['ServiceAccountConnection'],
> = {
  edges?: Resolver<Array<ResolversTypes['ServiceAccountEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type ServiceAccountEdgeResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['ServiceAccountEdge'] = ResolversParentTypes['ServiceAccountEdge'],
> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['ServiceAccount'], ParentType, ContextType>;
};

export type AuditEventResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['AuditEvent'] = ResolversParentTypes['AuditEvent'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  actorId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  actorKind?: Resolver<Maybe<ResolversTypes['ActorKind']>, ParentType, ContextType>;
  sessionId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  serviceAccountId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  apiKeyId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  ipAddress?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  userAgent?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  detail?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type AuditEventConnectionResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['AuditEventConnection'] = ResolversParentTypes['AuditEventConnection'],
> = {
  edges?: Resolver<Array<ResolversTypes['AuditEventEdge']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type AuditEventEdgeResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['AuditEventEdge'] = ResolversParentTypes['AuditEventEdge'],
> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['AuditEvent'], ParentType, ContextType>;
};

export type QueryResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query'],
> = {
  me?: Resolver<ResolversTypes['User'], ParentType, ContextType>;
  identityProviders?: Resolver<Array<ResolversTypes['IdentityProvider']>, ParentType, ContextType>;
  users?: Resolver<ResolversTypes['UserConnection'], ParentType, ContextType, RequireFields<QueryUsersArgs, 'first'>>;
  user?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType, RequireFields<QueryUserArgs, 'id'>>;
  auditEvents?: Resolver<
    ResolversTypes['AuditEventConnection'],
    ParentType,
    ContextType,
    RequireFields<QueryAuditEventsArgs, 'first'>
  >;
  oauthClients?: Resolver<
    ResolversTypes['OAuthClientConnection'],
    ParentType,
    ContextType,
    RequireFields<QueryOauthClientsArgs, 'first'>
  >;
  oauthClient?: Resolver<
    Maybe<ResolversTypes['OAuthClient']>,
    ParentType,
    ContextType,
    RequireFields<QueryOauthClientArgs, 'id'>
  >;
  userApiKeys?: Resolver<
    Array<ResolversTypes['ApiKey']>,
    ParentType,
    ContextType,
    RequireFields<QueryUserApiKeysArgs, 'userId'>
  >;
  serviceAccounts?: Resolver<
    ResolversTypes['ServiceAccountConnection'],
    ParentType,
    ContextType,
    RequireFields<QueryServiceAccountsArgs, 'first'>
  >;
};

export type MutationResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation'],
> = {
  register?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationRegisterArgs, 'input'>
  >;
  login?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, RequireFields<MutationLoginArgs, 'input'>>;
  loginWithSecondFactor?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationLoginWithSecondFactorArgs, 'input'>
  >;
  reauthenticate?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationReauthenticateArgs, 'input'>
  >;
  startTotpEnrollment?: Resolver<ResolversTypes['TotpEnrollment'], ParentType, ContextType>;
  confirmTotpEnrollment?: Resolver<
    Maybe<ResolversTypes['RecoveryCodes']>,
    ParentType,
    ContextType,
    RequireFields<MutationConfirmTotpEnrollmentArgs, 'code'>
  >;
  removeTotp?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  regenerateRecoveryCodes?: Resolver<ResolversTypes['RecoveryCodes'], ParentType, ContextType>;
  startPasskeyRegistration?: Resolver<ResolversTypes['JSON'], ParentType, ContextType>;
  finishPasskeyRegistration?: Resolver<
    ResolversTypes['Passkey'],
    ParentType,
    ContextType,
    RequireFields<MutationFinishPasskeyRegistrationArgs, 'response'>
  >;
  renamePasskey?: Resolver<
    ResolversTypes['Passkey'],
    ParentType,
    ContextType,
    RequireFields<MutationRenamePasskeyArgs, 'id' | 'name'>
  >;
  removePasskey?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRemovePasskeyArgs, 'id'>
  >;
  startPasskeyLogin?: Resolver<
    ResolversTypes['PasskeyChallenge'],
    ParentType,
    ContextType,
    Partial<MutationStartPasskeyLoginArgs>
  >;
  loginWithPasskey?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationLoginWithPasskeyArgs, 'input'>
  >;
  refresh?: Resolver<ResolversTypes['AuthPayload'], ParentType, ContextType, Partial<MutationRefreshArgs>>;
  logout?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  updateMe?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationUpdateMeArgs, 'input'>>;
  deleteMe?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType, RequireFields<MutationDeleteMeArgs, 'input'>>;
  revokeSession?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeSessionArgs, 'id'>
  >;
  revokeOtherSessions?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  changePassword?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationChangePasswordArgs, 'input'>
  >;
  requestPasswordReset?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRequestPasswordResetArgs, 'email'>
  >;
  resetPassword?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationResetPasswordArgs, 'input'>
  >;
  requestEmailCode?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRequestEmailCodeArgs, 'email'>
  >;
  loginWithEmailCode?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationLoginWithEmailCodeArgs, 'input'>
  >;
  startIdentityLogin?: Resolver<
    ResolversTypes['IdentityLogin'],
    ParentType,
    ContextType,
    RequireFields<MutationStartIdentityLoginArgs, 'input'>
  >;
  finishIdentityLogin?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationFinishIdentityLoginArgs, 'input'>
  >;
  startIdentityLink?: Resolver<
    ResolversTypes['IdentityLogin'],
    ParentType,
    ContextType,
    RequireFields<MutationStartIdentityLinkArgs, 'input'>
  >;
  finishIdentityLink?: Resolver<
    ResolversTypes['Identity'],
    ParentType,
    ContextType,
    RequireFields<MutationFinishIdentityLinkArgs, 'code'>
  >;
  unlinkIdentity?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationUnlinkIdentityArgs, 'id'>
  >;
  loginWithPlex?: Resolver<
    ResolversTypes['AuthPayload'],
    ParentType,
    ContextType,
    RequireFields<MutationLoginWithPlexArgs, 'input'>
  >;
  requestEmailVerification?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  verifyEmail?: Resolver<
    ResolversTypes['User'],
    ParentType,
    ContextType,
    RequireFields<MutationVerifyEmailArgs, 'token'>
  >;
  cancelEmailChange?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationCancelEmailChangeArgs, 'token'>
  >;
  rejectEmailVerification?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRejectEmailVerificationArgs, 'token'>
  >;
  updateUser?: Resolver<
    ResolversTypes['User'],
    ParentType,
    ContextType,
    RequireFields<MutationUpdateUserArgs, 'id' | 'input'>
  >;
  deleteUser?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationDeleteUserArgs, 'id'>
  >;
  restoreUser?: Resolver<ResolversTypes['User'], ParentType, ContextType, RequireFields<MutationRestoreUserArgs, 'id'>>;
  resetSecondFactors?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationResetSecondFactorsArgs, 'userId'>
  >;
  revokeUserSessions?: Resolver<
    ResolversTypes['Int'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeUserSessionsArgs, 'userId'>
  >;
  revokeAuthorizedApp?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeAuthorizedAppArgs, 'clientId'>
  >;
  createOAuthClient?: Resolver<
    ResolversTypes['CreatedOAuthClient'],
    ParentType,
    ContextType,
    RequireFields<MutationCreateOAuthClientArgs, 'input'>
  >;
  updateOAuthClient?: Resolver<
    ResolversTypes['OAuthClient'],
    ParentType,
    ContextType,
    RequireFields<MutationUpdateOAuthClientArgs, 'id' | 'input'>
  >;
  rotateOAuthClientSecret?: Resolver<
    ResolversTypes['CreatedOAuthClient'],
    ParentType,
    ContextType,
    RequireFields<MutationRotateOAuthClientSecretArgs, 'id' | 'overlap'>
  >;
  deleteOAuthClient?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationDeleteOAuthClientArgs, 'id'>
  >;
  createApiKey?: Resolver<
    ResolversTypes['CreatedApiKey'],
    ParentType,
    ContextType,
    RequireFields<MutationCreateApiKeyArgs, 'input'>
  >;
  rotateApiKey?: Resolver<
    ResolversTypes['CreatedApiKey'],
    ParentType,
    ContextType,
    RequireFields<MutationRotateApiKeyArgs, 'id' | 'overlap'>
  >;
  revokeApiKey?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeApiKeyArgs, 'id'>
  >;
  revokeUserApiKey?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeUserApiKeyArgs, 'id'>
  >;
  createServiceAccount?: Resolver<
    ResolversTypes['ServiceAccount'],
    ParentType,
    ContextType,
    RequireFields<MutationCreateServiceAccountArgs, 'input'>
  >;
  updateServiceAccount?: Resolver<
    ResolversTypes['ServiceAccount'],
    ParentType,
    ContextType,
    RequireFields<MutationUpdateServiceAccountArgs, 'id' | 'input'>
  >;
  deleteServiceAccount?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationDeleteServiceAccountArgs, 'id'>
  >;
  createServiceAccountKey?: Resolver<
    ResolversTypes['CreatedApiKey'],
    ParentType,
    ContextType,
    RequireFields<MutationCreateServiceAccountKeyArgs, 'id' | 'input'>
  >;
  revokeServiceAccountKey?: Resolver<
    ResolversTypes['Boolean'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeServiceAccountKeyArgs, 'id'>
  >;
};

export type SubscriptionResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription'],
> = {
  meUpdated?: SubscriptionResolver<ResolversTypes['User'], 'meUpdated', ParentType, ContextType>;
  securityEvents?: SubscriptionResolver<ResolversTypes['AuditEvent'], 'securityEvents', ParentType, ContextType>;
  auditEvents?: SubscriptionResolver<ResolversTypes['AuditEvent'], 'auditEvents', ParentType, ContextType>;
};

export type Resolvers<ContextType = GraphqlContext> = {
  DateTime?: GraphQLScalarType;
  Scope?: GraphQLScalarType;
  JSON?: GraphQLScalarType;
  User?: UserResolvers<ContextType>;
  SecondFactors?: SecondFactorsResolvers<ContextType>;
  Totp?: TotpResolvers<ContextType>;
  Passkey?: PasskeyResolvers<ContextType>;
  PasskeyChallenge?: PasskeyChallengeResolvers<ContextType>;
  TotpEnrollment?: TotpEnrollmentResolvers<ContextType>;
  RecoveryCodes?: RecoveryCodesResolvers<ContextType>;
  IdentityProvider?: IdentityProviderResolvers<ContextType>;
  IdentityLogin?: IdentityLoginResolvers<ContextType>;
  Identity?: IdentityResolvers<ContextType>;
  Preferences?: PreferencesResolvers<ContextType>;
  Session?: SessionResolvers<ContextType>;
  SessionApp?: SessionAppResolvers<ContextType>;
  AuthorizedApp?: AuthorizedAppResolvers<ContextType>;
  OAuthClient?: OAuthClientResolvers<ContextType>;
  CreatedOAuthClient?: CreatedOAuthClientResolvers<ContextType>;
  OAuthClientConnection?: OAuthClientConnectionResolvers<ContextType>;
  OAuthClientEdge?: OAuthClientEdgeResolvers<ContextType>;
  AuthPayload?: AuthPayloadResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  UserConnection?: UserConnectionResolvers<ContextType>;
  UserEdge?: UserEdgeResolvers<ContextType>;
  ApiKey?: ApiKeyResolvers<ContextType>;
  CreatedApiKey?: CreatedApiKeyResolvers<ContextType>;
  ServiceAccount?: ServiceAccountResolvers<ContextType>;
  ServiceAccountConnection?: ServiceAccountConnectionResolvers<ContextType>;
  ServiceAccountEdge?: ServiceAccountEdgeResolvers<ContextType>;
  AuditEvent?: AuditEventResolvers<ContextType>;
  AuditEventConnection?: AuditEventConnectionResolvers<ContextType>;
  AuditEventEdge?: AuditEventEdgeResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
};

export type DirectiveResolvers<ContextType = GraphqlContext> = {
  public?: PublicDirectiveResolver<any, any, ContextType>;
  authenticated?: AuthenticatedDirectiveResolver<any, any, ContextType>;
  requiresSession?: RequiresSessionDirectiveResolver<any, any, ContextType>;
  requiresRecentLogin?: RequiresRecentLoginDirectiveResolver<any, any, ContextType>;
  orRefreshCookie?: OrRefreshCookieDirectiveResolver<any, any, ContextType>;
  allowedDuringEnrollment?: AllowedDuringEnrollmentDirectiveResolver<any, any, ContextType>;
  requiresScopes?: RequiresScopesDirectiveResolver<any, any, ContextType>;
  rateLimit?: RateLimitDirectiveResolver<any, any, ContextType>;
  oneCredentialAttempt?: OneCredentialAttemptDirectiveResolver<any, any, ContextType>;
};
