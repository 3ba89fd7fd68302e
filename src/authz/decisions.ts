/** Decisions about a principal: pure functions. */
import { AppError, enrollmentRequired } from '../lib/errors.js';
import type { Principal, PrincipalUser } from './principal.js';
import { satisfies } from './scopes.js';

/** Refuses a principal that satisfies none of the AND-groups of `required`. @throws AppError INSUFFICIENT_PERMISSIONS */
export function assertScopes(principal: Principal, required: readonly (readonly string[])[]): void {
  if (satisfies(principal.scopes, required)) return;
  throw new AppError('INSUFFICIENT_PERMISSIONS', 'The credential lacks a required scope.', {
    requiredScopes: required,
  });
}

/**
 * The account of a principal that is a user.
 * @throws AppError INSUFFICIENT_PERMISSIONS for a service account
 */
export function userOf<User extends PrincipalUser>({ subject }: Principal<User>): User {
  if (subject.kind === 'user') return subject.user;
  throw new AppError('INSUFFICIENT_PERMISSIONS', 'A service account has no user account.', { requiredScopes: [] });
}

/** A person's own session. */
export interface OwnSession<User extends PrincipalUser> {
  readonly user: User;
  readonly sessionId: string;
}

/**
 * The person's own session.
 * @throws AppError INSUFFICIENT_PERMISSIONS for API keys, OAuth tokens and service accounts
 */
export function sessionOf<User extends PrincipalUser>(principal: Principal<User>): OwnSession<User> {
  const { subject, credential } = principal;
  if (subject.kind === 'user' && credential.kind === 'session') return { user: subject.user, sessionId: credential.id };
  throw new AppError('INSUFFICIENT_PERMISSIONS', "This requires a person's own session.", { requiredScopes: [] });
}

/** Whether the person authenticated less than `withinMs` before `now`; both in milliseconds. */
export function isRecentLogin({ authenticatedAt }: Pick<Principal, 'authenticatedAt'>, withinMs: number, now: number) {
  return authenticatedAt !== null && now - authenticatedAt < withinMs;
}

/** @throws AppError SECOND_FACTOR_ENROLLMENT_REQUIRED if the account of the principal must enrol a second factor first */
export function assertEnrolled({ mustEnroll }: Pick<Principal, 'mustEnroll'>): void {
  if (mustEnroll) throw enrollmentRequired();
}
