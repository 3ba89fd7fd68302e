/** Issues the tokens of a session (RFC 6749 section 5.1), in the payload or in a cookie. */
import type { GraphqlContext } from '../context.js';
import { AppError } from '../../lib/errors.js';
import type { AccountRecord } from '../../users/account.js';
import type { IssuedSession } from '../../sessions/service.js';
import { isChallenged, secondFactorRequired, type SignIn } from '../../sessions/sign-in.js';

export interface AuthPayloadView {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly tokenType: string;
  /** In seconds. */
  readonly expiresIn: number;
  readonly scope: string;
  readonly user: AccountRecord;
}

/** How the refresh token is delivered; null and undefined mean BODY. */
export type Transport = 'BODY' | 'COOKIE' | null | undefined;

/**
 * Opens or renews a session and issues its tokens. Ends the session of a cookie that is replaced, since no client can use it any
 * more.
 * @param enter opens or renews the session
 * @throws AppError QUERY_REJECTED before `enter` runs if the cookie may not be set; SECOND_FACTOR_REQUIRED; whatever `enter`
 * throws
 */
export async function issueAuthPayload(
  context: GraphqlContext,
  transport: Transport,
  enter: () => Promise<SignIn>,
): Promise<AuthPayloadView> {
  if (transport === 'COOKIE') context.cookie.assertAllowed();
  const entered = await enter();
  if (isChallenged(entered)) {
    const { browserToken, expiresAt } = entered.challenge;
    if (browserToken !== undefined) context.challenge.set(browserToken, expiresAt);
    throw secondFactorRequired(entered);
  }
  const replaced = transport === 'COOKIE' ? cookieSessionId(context) : undefined;
  if (replaced !== undefined && replaced !== entered.session.id)
    await context.services.revocation.endReplaced(replaced, context.client);
  return authPayload(entered, context, transport);
}

/** Remembers the device of a login. A failure to do so does not fail the login. */
export async function onDevice(
  context: GraphqlContext,
  enter: () => Promise<AuthPayloadView>,
): Promise<AuthPayloadView> {
  const payload = await enter();
  const device = await context.services.devices.remember(payload.user.id, context.client.device).catch(() => undefined);
  if (device) context.device.set(device);
  return payload;
}

/** The id of the session of an authentic refresh cookie, active or not. */
export function cookieSessionId({ cookie, services }: GraphqlContext): string | undefined {
  const token = cookie.read();
  return token === undefined ? undefined : services.sessions.idOf(token);
}

/** Whether the cookie belongs to the session of the caller; a browser sends it with any access token. */
export function bearsOwnCookie(context: GraphqlContext): boolean {
  return cookieSessionId(context) === context.session().sessionId;
}

/** Signs the access token, and sets the cookie or returns the refresh token. */
function authPayload(
  { account, session, refreshToken, scopes, enrolling }: IssuedSession,
  context: GraphqlContext,
  transport: Transport,
): AuthPayloadView {
  const { token, expiresIn } = context.services.accessTokens.sign({
    userId: account.id,
    session,
    scopes,
    enrolling,
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

/** Counts a login by its outcome, for the metrics. */
export async function countLogin(
  { services }: GraphqlContext,
  enter: () => Promise<AuthPayloadView>,
): Promise<AuthPayloadView> {
  try {
    const payload = await enter();
    services.countLogin('success');
    return payload;
  } catch (error) {
    services.countLogin(error instanceof AppError ? error.code.toLowerCase() : 'error');
    throw error;
  }
}
