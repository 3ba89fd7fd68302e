/** Decisions about a principal: pure, and tested without a database. */
import { AppError } from '../lib/errors.js';
import type { Principal } from './principal.js';
import { satisfies } from './scopes.js';

/** Refuses a principal that holds none of the AND-groups of `required`. @throws AppError INSUFFICIENT_PERMISSIONS */
export function assertScopes(principal: Principal, required: readonly (readonly string[])[]): void {
  if (satisfies(principal.scopes, required)) return;
  throw new AppError('INSUFFICIENT_PERMISSIONS', 'The credential lacks a scope that this needs.', {
    requiredScopes: required,
  });
}
