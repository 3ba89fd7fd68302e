/** What a client gets of a session that it entered, in the terms of RFC 6749 section 5.1. */
import type { GraphqlContext } from '../graphql/context.js';
import type { AccountRecord } from '../accounts/account.js';
import type { EnteredSession } from './service.js';

export interface AuthPayloadView {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly tokenType: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly scope: string;
  readonly user: AccountRecord;
}

/** Signs the access token and notes the session as the request's own. */
export function authPayload(
  { account, sessionId, refreshToken }: EnteredSession,
  context: GraphqlContext,
): AuthPayloadView {
  const { accessTokens, scopes } = context.services;
  const granted = scopes.granted(account.role);
  const { token, expiresIn } = accessTokens.sign({ userId: account.id, sessionId, scopes: granted });
  context.entered(sessionId);
  return { accessToken: token, refreshToken, tokenType: 'Bearer', expiresIn, scope: granted.join(' '), user: account };
}
