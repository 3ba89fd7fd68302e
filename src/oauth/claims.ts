/** Claims about a person for ID tokens and userinfo (OpenID Connect Core 1.0 sections 2 and 5). Pure functions. */
import { MULTI_FACTOR } from '../mfa/factors/verify-factor.js';
import type { AccountRecord } from '../users/account.js';

/** Authentication contexts, from the weakest: one factor, and two. */
export const ACR_VALUES = ['1', '2'] as const;

/** The claim `acr` of an authentication by these methods. */
export function acrOf(methods: readonly string[]): (typeof ACR_VALUES)[number] {
  return methods.includes(MULTI_FACTOR) ? '2' : '1';
}

/** The claims that the scopes `profile` and `email` give. Claims without a value are left out. */
export function accountClaims(account: AccountRecord, scopes: readonly string[]): Readonly<Record<string, unknown>> {
  const claims: Record<string, unknown> = {};
  if (scopes.includes('profile')) {
    if (account.displayName !== null) claims['name'] = account.displayName;
    claims['preferred_username'] = account.username;
    if (account.avatarUrl !== null) claims['picture'] = account.avatarUrl;
    claims['locale'] = account.language;
    claims['updated_at'] = Math.floor(account.updatedAt.getTime() / 1000);
  }
  if (scopes.includes('email')) {
    claims['email'] = account.email;
    claims['email_verified'] = account.isVerified;
  }
  return claims;
}

/** The claims that `accountClaims` can return, and those of ID tokens. */
export const CLAIMS = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'auth_time',
  'acr',
  'amr',
  'nonce',
  'at_hash',
  'sid',
  'name',
  'preferred_username',
  'picture',
  'locale',
  'updated_at',
  'email',
  'email_verified',
] as const;
