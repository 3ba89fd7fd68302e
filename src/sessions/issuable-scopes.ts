/** The scopes of an access token for a session: those of the role, and for a grant only those that were granted. */
import { IDENTITY_SCOPES } from '../authz/scopes.js';
import type { SessionRecord } from './session.js';

/** @param ofRole the scopes of the account's role at this moment */
export function issuableScopes(
  { scopes }: Pick<SessionRecord, 'scopes'>,
  ofRole: readonly string[],
): readonly string[] {
  return scopes === null ? ofRole : scopes.filter((scope) => IDENTITY_SCOPES.has(scope) || ofRole.includes(scope));
}
