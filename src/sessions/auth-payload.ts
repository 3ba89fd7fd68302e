/** What a client gets of a session that it entered, in the terms of RFC 6749 section 5.1. */
import type { GraphqlContext } from '../graphql/context.js';
import type { AccountRecord } from '../accounts/account.js';
import type { EnteredSession } from './service.js';

export interface AuthPayloadView {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly tokenType: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly scope: string;
  readonly user: AccountRecord;
}

/** How a refresh token travels; null, as left out, in the payload. */
export type Transport = 'BODY' | 'COOKIE' | null | undefined;

/** What enters a session for a client, once it is known that the refresh token may travel as asked. */
export async function entering(
  context: GraphqlContext,
  transport: Transport,
  enter: () => Promise<EnteredSession>,
): Promise<AuthPayloadView> {
  if (transport === 'COOKIE') context.cookie.assertAllowed();
  return authPayload(await enter(), context, transport);
}

/** Whether the cookie of the request is of the session that makes it: a browser sends it with any token. */
export function bearsOwnCookie({ cookie, services, principal }: GraphqlContext): boolean {
  const token = cookie.read();
  return token !== undefined && services.sessions.idOf(token) === principal().credential.sessionId;
}

/** Signs the access token, notes the session as the request's own, and puts the refresh token where it travels. */
function authPayload(
  { account, session, refreshToken, scopes }: EnteredSession,
  context: GraphqlContext,
  transport: Transport,
): AuthPayloadView {
  const { token, expiresIn } = context.services.accessTokens.sign({
    userId: account.id,
    session,
    scopes,
  });
  context.entered(account.id, session.id);
  const inCookie = transport === 'COOKIE';
  if (inCookie) context.cookie.set(refreshToken, session.rememberMe ? session.expiresAt : undefined);
  return {
    accessToken: token,
    refreshToken: inCookie ? null : refreshToken,
    tokenType: 'Bearer',
    expiresIn,
    scope: scopes.join(' '),
    user: account,
  };
}
