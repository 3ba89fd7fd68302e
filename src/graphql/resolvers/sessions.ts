/** Resolvers of sessions. */
import { AppError, type ErrorCode } from '../../lib/errors.js';
import type { GraphqlContext } from '../context.js';
import type { MutationResolvers } from '../generated.js';
import { bearsOwnCookie, cookieSessionId, issueAuthPayload } from './auth-payload.js';
import type { Revoker } from '../../sessions/revocation.js';

export const refresh: MutationResolvers['refresh'] = async (_source, { refreshToken, scope }, context) => {
  const given = refreshToken ?? context.cookie.read();
  if (given === undefined) throw new AppError('INVALID_REFRESH_TOKEN', 'A refresh token is needed.');
  const isCookie = refreshToken == null;
  try {
    return await issueAuthPayload(context, isCookie ? 'COOKIE' : 'BODY', () =>
      context.services.sessions.refresh(given, context.client, scope ?? undefined),
    );
  } catch (error) {
    // A refused token is never valid again. After any other error, such as 503, the cookie may still be.
    if (isCookie && hasCode(error, REFUSED)) context.cookie.clear();
    throw error;
  }
};

/**
 * Ends the session of the access token; without a valid one, that of the refresh cookie, which `@orRefreshCookie` has verified.
 * Sends no Clear-Site-Data: `"cookies"` would also clear those of the product on the same registrable domain.
 */
export const logout: MutationResolvers['logout'] = async (_source, _args, context) => {
  const principal = await context.authenticate().catch(() => undefined);
  if (principal) {
    await context.services.revocation.logout(revokerOf(context));
    if (bearsOwnCookie(context)) context.cookie.clear();
    return true;
  }
  const sessionId = cookieSessionId(context);
  if (sessionId !== undefined) await context.services.revocation.logoutByCookie(sessionId, context.client);
  context.cookie.clear();
  return true;
};

export const revokeSession: MutationResolvers['revokeSession'] = async (_source, { id }, context) => {
  const revoker = revokerOf(context);
  await context.services.revocation.revoke(id, revoker);
  if (id === revoker.sessionId && bearsOwnCookie(context)) context.cookie.clear();
  return true;
};

export const revokeOtherSessions: MutationResolvers['revokeOtherSessions'] = (_source, _args, context) =>
  context.services.revocation.revokeOthers(revokerOf(context));

const REFUSED: readonly ErrorCode[] = ['INVALID_REFRESH_TOKEN', 'ACCOUNT_DISABLED'];

function hasCode(error: unknown, codes: readonly ErrorCode[]): boolean {
  return error instanceof AppError && codes.includes(error.code);
}

function revokerOf(context: GraphqlContext): Revoker {
  const { user, sessionId } = context.session();
  return { userId: user.id, sessionId, client: context.client };
}
