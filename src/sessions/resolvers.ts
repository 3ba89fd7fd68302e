/** Root fields of sessions. */
import { AppError } from '../errors.js';
import type { GraphqlContext } from '../graphql/context.js';
import type { MutationResolvers } from '../graphql/generated.js';
import { bearsOwnCookie, entering } from './auth-payload.js';
import type { Revoker } from './revocation.js';

export const refresh: MutationResolvers['refresh'] = async (_source, { refreshToken, scope }, context) => {
  const given = refreshToken ?? context.cookie.read();
  if (given === undefined) throw new AppError('INVALID_REFRESH_TOKEN', 'A refresh token is needed.');
  // A refusal leaves the cookie alone: it may be another tab's by now, which was faster.
  return entering(context, refreshToken == null ? 'COOKIE' : 'BODY', () =>
    context.services.sessions.refresh(given, context.client, scope ?? undefined),
  );
};

export const logout: MutationResolvers['logout'] = async (_source, _args, context) => {
  await context.services.revocation.logout(revokerOf(context));
  if (bearsOwnCookie(context)) context.cookie.clear();
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

function revokerOf(context: GraphqlContext): Revoker {
  const { user, credential } = context.principal();
  return { userId: user.id, sessionId: credential.sessionId, client: context.client };
}
