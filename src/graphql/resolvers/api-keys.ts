/** Resolvers of API keys. */
import { AppError } from '../../lib/errors.js';
import type { Revoker } from '../../sessions/revocation.js';
import type { GraphqlContext } from '../context.js';
import type { ApiKeyResolvers, MutationResolvers, QueryResolvers, UserResolvers } from '../generated.js';
import { administrator } from './admin.js';

export const ApiKey: ApiKeyResolvers = {
  overlapEndsAt: ({ previousUntil }) => previousUntil,
};

/** The keys of an account, for its own session. Administrators have `userApiKeys`. */
export const apiKeysOfUser: UserResolvers['apiKeys'] = ({ id }, _args, context) => {
  if (!context.isOwnSession(id))
    throw new AppError('INSUFFICIENT_PERMISSIONS', "This requires the person's own session.", { requiredScopes: [] });
  return context.run(() => context.services.apiKeys.list(id));
};

export const userApiKeys: QueryResolvers['userApiKeys'] = (_source, { userId }, context) =>
  context.services.apiKeys.listOfUser(userId);

export const createApiKey: MutationResolvers['createApiKey'] = (_source, { input }, context) =>
  context.services.apiKeys.create(ownerOf(context), input, context.principal().scopes);

export const rotateApiKey: MutationResolvers['rotateApiKey'] = (_source, { id, overlap }, context) =>
  context.services.apiKeys.rotate(ownerOf(context), id, overlap);

export const revokeApiKey: MutationResolvers['revokeApiKey'] = async (_source, { id }, context) => {
  await context.services.apiKeys.revoke(ownerOf(context), id);
  return true;
};

export const revokeUserApiKey: MutationResolvers['revokeUserApiKey'] = async (_source, { id }, context) => {
  await context.services.apiKeys.revokeOfUser(id, administrator(context));
  return true;
};

function ownerOf(context: GraphqlContext): Revoker {
  const { user, sessionId } = context.session();
  return { userId: user.id, sessionId, client: context.client };
}
