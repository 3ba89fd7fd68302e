/**
 * The principal of an OAuth client's access token. The token names a grant, which is a session with a client; the strategy of
 * sessions verifies both.
 */
import { IDENTITY_SCOPES } from '../../authz/scopes.js';
import type { VerifiedAccessToken } from '../../sessions/access-token-claims.js';
import type { AccountRecord } from '../../users/account.js';
import type { AccountPrincipal } from '../strategy.js';

/**
 * A delegated principal: never more than the token and the account's role have. A change of the client's or the grant's scopes
 * invalidates the token, so they need no check here.
 * @param ofRole the scopes of the account's role at this moment
 */
export function delegatedPrincipal(
  { sessionId, scopes, expiresAt }: VerifiedAccessToken,
  account: AccountRecord,
  ofRole: readonly string[],
): AccountPrincipal {
  return {
    subject: { kind: 'user', user: account },
    credential: { kind: 'oauth', id: sessionId, expiresAt },
    scopes: new Set([...scopes].filter((scope) => IDENTITY_SCOPES.has(scope) || ofRole.includes(scope))),
    authenticatedAt: null,
    methods: [],
  };
}
