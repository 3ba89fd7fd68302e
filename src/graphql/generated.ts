import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { AccountRecord } from '../users/account.js';
import type { SessionView } from '../sessions/session.js';
import type { AuthPayloadView } from './resolvers/auth-payload.js';
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
  /** A moment in UTC, as RFC 3339 writes it: `2026-01-31T12:00:00.000Z`. */
  DateTime: { input: never; output: Date };
  /** The name of a permission: `read:content`, `read:profile`, `write:profile`, `read:history`, `admin`, or one that the configuration adds. */
  Scope: { input: string; output: string };
};

/** What `@rateLimit` counts by. */
export type RateLimitKey =
  /** The client's address; an IPv6 address counts as its /64 network. */
  | 'IP'
  /** The account that makes the request; the client's address where there is none. */
  | 'PRINCIPAL';

/** What an account may be. */
export type Role =
  /** Uses the product; holds the scopes of a user. */
  | 'USER'
  /** Administers accounts; holds the scope `admin` besides. */
  | 'ADMIN';

/** A colour scheme. */
export type Theme =
  /** Dark on light. */
  | 'LIGHT'
  /** Light on dark. */
  | 'DARK'
  /** As the device has it. */
  | 'SYSTEM';

/** How a refresh token travels. */
export type TokenTransport =
  /** In the payload, for clients that keep it themselves. */
  | 'BODY'
  /**
   * In an HttpOnly cookie, for browsers; the payload's `refreshToken` is null then. Requests that bear the cookie must come
   * from `PUBLIC_URL` or one of `CORS_ORIGINS`.
   */
  | 'COOKIE';

/** An account. */
export type User = {
  __typename?: 'User';
  /** Never changes and is never given again (UUID version 7). */
  id: Scalars['ID']['output'];
  /**
   * The address as its owner writes it; unique whatever its case or Unicode form. A placeholder below `released.invalid` once
   * the owner of an unconfirmed address has taken it from the account.
   */
  email: Scalars['String']['output'];
  /** The address that takes the place of `email` once it is confirmed. */
  pendingEmail?: Maybe<Scalars['String']['output']>;
  /** The name as its owner writes it; unique whatever its case or Unicode form. */
  username: Scalars['String']['output'];
  /** The name to show to people. */
  displayName?: Maybe<Scalars['String']['output']>;
  /** An https address of a picture. */
  avatarUrl?: Maybe<Scalars['String']['output']>;
  /** What the account may be. */
  role: Role;
  /** Whether the e-mail address was confirmed. */
  isVerified: Scalars['Boolean']['output'];
  /** Whether the account has the paid features of your product. */
  isPremium: Scalars['Boolean']['output'];
  /** What the owner likes. */
  preferences: Preferences;
  /** When the account was registered. */
  createdAt: Scalars['DateTime']['output'];
  /** When the account was last changed. */
  updatedAt: Scalars['DateTime']['output'];
  /** When somebody last logged in with the password. */
  lastLoginAt?: Maybe<Scalars['DateTime']['output']>;
  /** The live sessions, the one used last first. For the account itself and for administrators. */
  sessions: Array<Session>;
  /** When an administrator disabled the account; its sessions ended then, and nobody can log in. */
  disabledAt?: Maybe<Scalars['DateTime']['output']>;
  /** When the account was deleted; it is purged when the time to restore it is over. */
  deletedAt?: Maybe<Scalars['DateTime']['output']>;
};

/** An account. */
export type UserSessionsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['ID']['input']>;
};

/** What the owner of an account likes. */
export type Preferences = {
  __typename?: 'Preferences';
  /** The colour scheme. */
  theme: Theme;
  /** Whether your product may send notifications. */
  notifications: Scalars['Boolean']['output'];
  /** A BCP 47 language tag such as `en` or `pt-BR`. */
  language: Scalars['String']['output'];
};

/** A login on one device: all access and refresh tokens that came from it. */
export type Session = {
  __typename?: 'Session';
  /** The `sid` of its access tokens. */
  id: Scalars['ID']['output'];
  /** When it was opened. */
  createdAt: Scalars['DateTime']['output'];
  /** When it was last used, to within five minutes. */
  lastUsedAt: Scalars['DateTime']['output'];
  /** When it ends at the latest. */
  expiresAt: Scalars['DateTime']['output'];
  /** The address it was last refreshed from. */
  ipAddress?: Maybe<Scalars['String']['output']>;
  /** The User-Agent it was last refreshed with. */
  userAgent?: Maybe<Scalars['String']['output']>;
  /** Whether this request was made in it. */
  current: Scalars['Boolean']['output'];
};

/** What a new or renewed session gives. */
export type AuthPayload = {
  __typename?: 'AuthPayload';
  /** A JWT (RFC 9068) for the `Authorization` header. */
  accessToken: Scalars['String']['output'];
  /** An opaque token, good for one refresh; null when it is in a cookie. */
  refreshToken?: Maybe<Scalars['String']['output']>;
  /** Always `Bearer`. */
  tokenType: Scalars['String']['output'];
  /** How long the access token lasts, in seconds. */
  expiresIn: Scalars['Int']['output'];
  /** What the access token may do: scopes, space-separated. */
  scope: Scalars['String']['output'];
  /** The account. */
  user: User;
};

/** One page of a list, as Relay has it. */
export type PageInfo = {
  __typename?: 'PageInfo';
  /** Whether there is more after this page. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Whether this page began after a cursor. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The first edge's cursor. */
  startCursor?: Maybe<Scalars['String']['output']>;
  /** The last edge's cursor: `after` of the next page. */
  endCursor?: Maybe<Scalars['String']['output']>;
};

/** A page of accounts, the newest first. */
export type UserConnection = {
  __typename?: 'UserConnection';
  /** The accounts with their cursors. */
  edges: Array<UserEdge>;
  /** Where the page stands. */
  pageInfo: PageInfo;
};

/** An account in a list. */
export type UserEdge = {
  __typename?: 'UserEdge';
  /** Its place in the list. */
  cursor: Scalars['String']['output'];
  /** The account; deleted ones that can still be restored are listed too. */
  node: User;
};

/** Something that happened to an account or a session, or was refused. */
export type AuditEvent = {
  __typename?: 'AuditEvent';
  /** In the order of time (UUID version 7). */
  id: Scalars['ID']['output'];
  /** What happened, such as `session.opened` or `login.failed`. */
  type: Scalars['String']['output'];
  /** The account it is about; null where there is none. */
  userId?: Maybe<Scalars['ID']['output']>;
  /** Whose doing it was, when that is known. */
  actorId?: Maybe<Scalars['ID']['output']>;
  /** The session it is about. */
  sessionId?: Maybe<Scalars['ID']['output']>;
  /** Where it came from. */
  ipAddress?: Maybe<Scalars['String']['output']>;
  /** With which User-Agent. */
  userAgent?: Maybe<Scalars['String']['output']>;
  /** When it happened. */
  createdAt: Scalars['DateTime']['output'];
  /** What else there is to say; never a secret. */
  detail?: Maybe<Scalars['String']['output']>;
};

/** A page of audit events, the newest first. */
export type AuditEventConnection = {
  __typename?: 'AuditEventConnection';
  /** The events with their cursors. */
  edges: Array<AuditEventEdge>;
  /** Where the page stands. */
  pageInfo: PageInfo;
};

/** An audit event in a list. */
export type AuditEventEdge = {
  __typename?: 'AuditEventEdge';
  /** Its place in the list. */
  cursor: Scalars['String']['output'];
  /** The event. */
  node: AuditEvent;
};

/** What can be asked. */
export type Query = {
  __typename?: 'Query';
  /** The account that makes the request. */
  me: User;
  /** All accounts, the newest first. */
  users: UserConnection;
  /** One account; null when there is none. */
  user?: Maybe<User>;
  /** What happened, the newest first. */
  auditEvents: AuditEventConnection;
};

/** What can be asked. */
export type QueryUsersArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  search?: InputMaybe<Scalars['String']['input']>;
};

/** What can be asked. */
export type QueryUserArgs = {
  id: Scalars['ID']['input'];
};

/** What can be asked. */
export type QueryAuditEventsArgs = {
  first?: InputMaybe<Scalars['Int']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  userId?: InputMaybe<Scalars['ID']['input']>;
};

/** What can be done. */
export type Mutation = {
  __typename?: 'Mutation';
  /** Creates an account, opens its first session and mails a link that confirms the address. */
  register: AuthPayload;
  /**
   * Opens a session. An unknown account and a wrong password get the same `INVALID_CREDENTIALS` after the same work. Failed
   * attempts are counted by account and address: after a few, `RATE_LIMIT_EXCEEDED` for a time that grows.
   */
  login: AuthPayload;
  /** Renews a session: gives a new access token and a new refresh token. Each refresh token works once. */
  refresh: AuthPayload;
  /**
   * Ends the session that makes the request; its tokens stop working at once, and its cookie is cleared. Without a valid
   * access token the refresh cookie names the session, so that an expired access token keeps nobody logged in.
   */
  logout: Scalars['Boolean']['output'];
  /**
   * Changes the account that makes the request. A change of `email` or `username` needs a recent proof: a login of this session
   * within 15 minutes, or `currentPassword`; otherwise `STEP_UP_REQUIRED`, whose `methods` say how to give it. The account's
   * mailbox is told, with a link that cancels the change (`cancelEmailChange`). A wrong `currentPassword` counts as a failed
   * login.
   */
  updateMe: User;
  /**
   * Deletes the account that makes the request: its sessions end, and nobody can log in. An administrator can restore it for
   * a time; then it is purged. Its names stay taken until then.
   */
  deleteMe: Scalars['Boolean']['output'];
  /** Ends one of the account's own sessions; `NOT_FOUND` for any other. */
  revokeSession: Scalars['Boolean']['output'];
  /** Ends all of the account's sessions but the one that makes the request; says how many. */
  revokeOtherSessions: Scalars['Int']['output'];
  /** Changes the password, ends every other session and gives new tokens for this one; the owner is told by mail. */
  changePassword: AuthPayload;
  /** Mails a link to choose a new password, if there is such an account. Always true, and always as fast. */
  requestPasswordReset: Scalars['Boolean']['output'];
  /**
   * Chooses a new password with the token of the mailed link, ends every session and opens one; the owner is told by mail.
   * `INVALID_TOKEN` for a token that is unknown, used, replaced or over an hour old.
   */
  resetPassword: AuthPayload;
  /** Mails a link that confirms `pendingEmail`, or `email` where nothing is pending; at most five an hour. */
  requestEmailVerification: Scalars['Boolean']['output'];
  /**
   * Confirms the e-mail address that the token was mailed to; a pending one takes effect. `INVALID_TOKEN` for a token that is
   * unknown, used, replaced or over a day old.
   */
  verifyEmail: User;
  /**
   * Cancels a change of the e-mail address or username, with the token of the link that was mailed about it, and every later
   * such change: restores the former values, ends all sessions, and voids mailed links. It works for seven days, also after
   * the change took effect. A password that was changed after the change took effect no longer works; the restored address
   * is mailed a link to choose a new one. True as well when the link was used before, which changes nothing.
   * `INVALID_TOKEN` for a token that is unknown or too old.
   */
  cancelEmailChange: Scalars['Boolean']['output'];
  /**
   * Takes an unconfirmed e-mail address from an account, for its owner who did not ask for it. Uses the token of the link that
   * confirms the address: a pending change is cancelled; an account whose only address it is keeps a placeholder below
   * `released.invalid` until it gives another. The address is free again. `INVALID_TOKEN` as for `verifyEmail`, and for an
   * address that is confirmed.
   */
  rejectEmailVerification: Scalars['Boolean']['output'];
  /** Changes an account. The last administrator stays one. */
  updateUser: User;
  /** Deletes an account as `deleteMe` does. */
  deleteUser: Scalars['Boolean']['output'];
  /** Restores a deleted account while that is possible. Its sessions stay ended. */
  restoreUser: User;
  /** Ends all sessions of an account; says how many. */
  revokeUserSessions: Scalars['Int']['output'];
};

/** What can be done. */
export type MutationRegisterArgs = {
  input: RegisterInput;
};

/** What can be done. */
export type MutationLoginArgs = {
  input: LoginInput;
};

/** What can be done. */
export type MutationRefreshArgs = {
  refreshToken?: InputMaybe<Scalars['String']['input']>;
  scope?: InputMaybe<Scalars['String']['input']>;
};

/** What can be done. */
export type MutationUpdateMeArgs = {
  input: UpdateMeInput;
};

/** What can be done. */
export type MutationDeleteMeArgs = {
  input: DeleteMeInput;
};

/** What can be done. */
export type MutationRevokeSessionArgs = {
  id: Scalars['ID']['input'];
};

/** What can be done. */
export type MutationChangePasswordArgs = {
  input: ChangePasswordInput;
};

/** What can be done. */
export type MutationRequestPasswordResetArgs = {
  email: Scalars['String']['input'];
};

/** What can be done. */
export type MutationResetPasswordArgs = {
  input: ResetPasswordInput;
};

/** What can be done. */
export type MutationVerifyEmailArgs = {
  token: Scalars['String']['input'];
};

/** What can be done. */
export type MutationCancelEmailChangeArgs = {
  token: Scalars['String']['input'];
};

/** What can be done. */
export type MutationRejectEmailVerificationArgs = {
  token: Scalars['String']['input'];
};

/** What can be done. */
export type MutationUpdateUserArgs = {
  id: Scalars['ID']['input'];
  input: UpdateUserInput;
};

/** What can be done. */
export type MutationDeleteUserArgs = {
  id: Scalars['ID']['input'];
};

/** What can be done. */
export type MutationRestoreUserArgs = {
  id: Scalars['ID']['input'];
};

/** What can be done. */
export type MutationRevokeUserSessionsArgs = {
  userId: Scalars['ID']['input'];
};

/**
 * What can be followed, over WebSocket (`graphql-transport-ws`), with the access token as `authorization` in the payload of
 * `connection_init`. Everything is told after it is committed, at most once, and in order for each account. The socket closes
 * with 4403 when the token runs out or the password changes, and with 4401 when its session ends or a scope is lost.
 */
export type Subscription = {
  __typename?: 'Subscription';
  /**
   * The account that subscribes, whenever something of it has changed: its names, its addresses, its preferences, its role or
   * what administrators set. Logins and sessions do not count as such; `securityEvents` tells of them.
   */
  meUpdated: User;
  /**
   * What happens to the account that subscribes, and what was refused. Where somebody else did it who is known, such as an
   * administrator, the address and the User-Agent are theirs and null.
   */
  securityEvents: AuditEvent;
  /** What happens, to all accounts. */
  auditEvents: AuditEvent;
};

/** A new account. */
export type RegisterInput = {
  /** An e-mail address nobody else has. */
  email: Scalars['String']['input'];
  /** 3 to 32 letters, digits, dots, dashes or underscores; nobody else's, whatever the case. */
  username: Scalars['String']['input'];
  /** At least `PASSWORD_MIN_LENGTH` characters and at most 256; not a common one, and not made of the account's own words. */
  password: Scalars['String']['input'];
  /** If given, the password once more. */
  passwordConfirmation?: InputMaybe<Scalars['String']['input']>;
  /** The name to show to people, up to 64 characters. */
  displayName?: InputMaybe<Scalars['String']['input']>;
  /** Whether the session lasts the longer of the two configured times. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token travels. */
  transport?: InputMaybe<TokenTransport>;
};

/** A login. */
export type LoginInput = {
  /** The e-mail address or the username, in any case. */
  identifier: Scalars['String']['input'];
  /** The password. */
  password: Scalars['String']['input'];
  /** Whether the session lasts the longer of the two configured times. */
  rememberMe?: InputMaybe<Scalars['Boolean']['input']>;
  /** How the refresh token travels. */
  transport?: InputMaybe<TokenTransport>;
};

/** Changes to one's own account; what is left out stays. */
export type UpdateMeInput = {
  /** As in `RegisterInput`; cannot be cleared. Needs a recent proof. The former name is held for the account for seven days. */
  username?: InputMaybe<Scalars['String']['input']>;
  /**
   * As in `RegisterInput`; cannot be cleared. Needs a recent proof. It waits in `pendingEmail` until the new address confirms
   * it; the present address is told, and held for the account for seven days after the change. Giving the present address
   * withdraws a change that waits.
   */
  email?: InputMaybe<Scalars['String']['input']>;
  /** The password, as proof for a change of `email` or `username`; not looked at otherwise. */
  currentPassword?: InputMaybe<Scalars['String']['input']>;
  /** The name to show to people, up to 64 characters; `null` clears it. */
  displayName?: InputMaybe<Scalars['String']['input']>;
  /** An https address of up to 2048 characters; `null` clears it. */
  avatarUrl?: InputMaybe<Scalars['String']['input']>;
  /** What the owner likes; what is left out stays. */
  preferences?: InputMaybe<PreferencesInput>;
};

/** Changes to the preferences; what is left out stays, and nothing can be cleared. */
export type PreferencesInput = {
  /** The colour scheme. */
  theme?: InputMaybe<Theme>;
  /** Whether your product may send notifications. */
  notifications?: InputMaybe<Scalars['Boolean']['input']>;
  /** A BCP 47 language tag such as `en` or `pt-BR`. */
  language?: InputMaybe<Scalars['String']['input']>;
};

/** The end of an account. */
export type DeleteMeInput = {
  /** `DELETE_MY_ACCOUNT`, to the letter. */
  confirmation: Scalars['String']['input'];
  /** The password. */
  password: Scalars['String']['input'];
};

/** A new password, by who knows the old one. */
export type ChangePasswordInput = {
  /** The password so far. */
  currentPassword: Scalars['String']['input'];
  /** As in `RegisterInput`. */
  newPassword: Scalars['String']['input'];
  /** If given, the new password once more. */
  newPasswordConfirmation?: InputMaybe<Scalars['String']['input']>;
};

/** A new password, by who can read the account's mail. */
export type ResetPasswordInput = {
  /** The token of the mailed link. */
  token: Scalars['String']['input'];
  /** As in `RegisterInput`. */
  password: Scalars['String']['input'];
  /** If given, the password once more. */
  passwordConfirmation?: InputMaybe<Scalars['String']['input']>;
  /** How the refresh token travels. */
  transport?: InputMaybe<TokenTransport>;
};

/** Changes to an account by an administrator; what is left out stays, and nothing can be cleared. */
export type UpdateUserInput = {
  /** What the account may be. */
  role?: InputMaybe<Role>;
  /** Whether it has the paid features of your product. */
  isPremium?: InputMaybe<Scalars['Boolean']['input']>;
  /** Whether its e-mail address counts as confirmed. */
  isVerified?: InputMaybe<Scalars['Boolean']['input']>;
  /** Whether it is disabled: its sessions end, and nobody can log in. */
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
  RateLimitKey: RateLimitKey;
  Role: Role;
  Theme: Theme;
  TokenTransport: TokenTransport;
  User: ResolverTypeWrapper<AccountRecord>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  Preferences: ResolverTypeWrapper<Preferences>;
  Session: ResolverTypeWrapper<SessionView>;
  AuthPayload: ResolverTypeWrapper<AuthPayloadView>;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  UserConnection: ResolverTypeWrapper<Omit<UserConnection, 'edges'> & { edges: Array<ResolversTypes['UserEdge']> }>;
  UserEdge: ResolverTypeWrapper<Omit<UserEdge, 'node'> & { node: ResolversTypes['User'] }>;
  AuditEvent: ResolverTypeWrapper<AuditRecord>;
  AuditEventConnection: ResolverTypeWrapper<
    Omit<AuditEventConnection, 'edges'> & { edges: Array<ResolversTypes['AuditEventEdge']> }
  >;
  AuditEventEdge: ResolverTypeWrapper<Omit<AuditEventEdge, 'node'> & { node: ResolversTypes['AuditEvent'] }>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  UpdateMeInput: UpdateMeInput;
  PreferencesInput: PreferencesInput;
  DeleteMeInput: DeleteMeInput;
  ChangePasswordInput: ChangePasswordInput;
  ResetPasswordInput: ResetPasswordInput;
  UpdateUserInput: UpdateUserInput;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DateTime: Scalars['DateTime']['output'];
  Scope: Scalars['Scope']['output'];
  User: AccountRecord;
  ID: Scalars['ID']['output'];
  Boolean: Scalars['Boolean']['output'];
  Preferences: Preferences;
  Session: SessionView;
  AuthPayload: AuthPayloadView;
  PageInfo: PageInfo;
  UserConnection: Omit<UserConnection, 'edges'> & { edges: Array<ResolversParentTypes['UserEdge']> };
  UserEdge: Omit<UserEdge, 'node'> & { node: ResolversParentTypes['User'] };
  AuditEvent: AuditRecord;
  AuditEventConnection: Omit<AuditEventConnection, 'edges'> & { edges: Array<ResolversParentTypes['AuditEventEdge']> };
  AuditEventEdge: Omit<AuditEventEdge, 'node'> & { node: ResolversParentTypes['AuditEvent'] };
  Query: Record<PropertyKey, never>;
  Mutation: Record<PropertyKey, never>;
  Subscription: Record<PropertyKey, never>;
  RegisterInput: RegisterInput;
  LoginInput: LoginInput;
  UpdateMeInput: UpdateMeInput;
  PreferencesInput: PreferencesInput;
  DeleteMeInput: DeleteMeInput;
  ChangePasswordInput: ChangePasswordInput;
  ResetPasswordInput: ResetPasswordInput;
  UpdateUserInput: UpdateUserInput;
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
  disabledAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
  deletedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
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

export type AuditEventResolvers<
  ContextType = GraphqlContext,
  ParentType extends ResolversParentTypes['AuditEvent'] = ResolversParentTypes['AuditEvent'],
> = {
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  type?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  userId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  actorId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  sessionId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
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
  users?: Resolver<ResolversTypes['UserConnection'], ParentType, ContextType, RequireFields<QueryUsersArgs, 'first'>>;
  user?: Resolver<Maybe<ResolversTypes['User']>, ParentType, ContextType, RequireFields<QueryUserArgs, 'id'>>;
  auditEvents?: Resolver<
    ResolversTypes['AuditEventConnection'],
    ParentType,
    ContextType,
    RequireFields<QueryAuditEventsArgs, 'first'>
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
  revokeUserSessions?: Resolver<
    ResolversTypes['Int'],
    ParentType,
    ContextType,
    RequireFields<MutationRevokeUserSessionsArgs, 'userId'>
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
  User?: UserResolvers<ContextType>;
  Preferences?: PreferencesResolvers<ContextType>;
  Session?: SessionResolvers<ContextType>;
  AuthPayload?: AuthPayloadResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  UserConnection?: UserConnectionResolvers<ContextType>;
  UserEdge?: UserEdgeResolvers<ContextType>;
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
  requiresScopes?: RequiresScopesDirectiveResolver<any, any, ContextType>;
  rateLimit?: RateLimitDirectiveResolver<any, any, ContextType>;
  oneCredentialAttempt?: OneCredentialAttemptDirectiveResolver<any, any, ContextType>;
};
