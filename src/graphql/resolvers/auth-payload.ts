/** The tokens a client gets for a session, in the terms of RFC 6749 section 5.1, and the cookie they may travel in. */
import type { GraphqlContext } from '../context.js';
import type { AccountRecord } from '../../users/account.js';
import type { IssuedSession } from '../../sessions/service.js';

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

/**
 * Opens or renews a session and issues its tokens. A cookie that is about to be replaced may belong to another session,
 * which nobody could use or end any more: it ends here.
 * @throws AppError QUERY_REJECTED before anything is done when the cookie may not be set, and whatever `enter` throws
 */
export async function issueAuthPayload(
  context: GraphqlContext,
  transport: Transport,
  enter: () => Promise<IssuedSession>,
): Promise<AuthPayloadView> {
  if (transport === 'COOKIE') context.cookie.assertAllowed();
  const entered = await enter();
  const replaced = transport === 'COOKIE' ? cookieSessionId(context) : undefined;
  if (replaced !== undefined && replaced !== entered.session.id)
    await context.services.revocation.endReplaced(replaced, context.client);
  return authPayload(entered, context, transport);
}

/** The session that a genuine refresh cookie of the request belongs to, alive or not. */
export function cookieSessionId({ cookie, services }: GraphqlContext): string | undefined {
  const token = cookie.read();
  return token === undefined ? undefined : services.sessions.idOf(token);
}

/** Whether the cookie belongs to the session that makes the request: a browser sends it with any token. */
export function bearsOwnCookie(context: GraphqlContext): boolean {
  return cookieSessionId(context) === context.session().sessionId;
}

/** Signs the access token, notes the session as the request's own, and puts the refresh token where it travels. */
function authPayload(
  { account, session, refreshToken, scopes }: IssuedSession,
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
