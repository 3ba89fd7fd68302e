/** Scopes of a verified credential. Pure functions. */
import { VerificationError } from './errors.js';

/** OR of ANDs, as in `@requiresScopes`: `[['admin'], ['read:content', 'read:history']]` admits `admin`, or both others. */
export type RequiredScopes = readonly (readonly string[])[];

/** The part of a verified credential that the helpers read. */
export interface HasScopes {
  readonly scopes: ReadonlySet<string>;
}

/** Whether a credential holds every scope of at least one group. */
export function hasScopes({ scopes }: HasScopes, required: RequiredScopes): boolean {
  return required.some((group) => group.every((scope) => scopes.has(scope)));
}

/** Requires the scopes. @throws VerificationError INSUFFICIENT_PERMISSIONS */
export function assertScopes(credential: HasScopes, requiredScopes: RequiredScopes): void {
  if (hasScopes(credential, requiredScopes)) return;
  throw new VerificationError('INSUFFICIENT_PERMISSIONS', 'The credential lacks a required scope.', {
    requiredScopes,
  });
}
