/** Root fields of sessions. */
import { AppError } from '../errors.js';
import type { MutationResolvers } from '../graphql/generated.js';
import { authPayload } from './auth-payload.js';

export const refresh: MutationResolvers['refresh'] = async (_source, { refreshToken }, context) => {
  if (refreshToken == null) throw new AppError('INVALID_REFRESH_TOKEN', 'A refresh token is needed.');
  return authPayload(await context.services.sessions.refresh(refreshToken, context.client), context);
};

export const logout: MutationResolvers['logout'] = async (_source, _args, context) => {
  const { user, credential } = context.principal();
  await context.services.sessions.end(credential.sessionId, user.id, context.client);
  return true;
};
