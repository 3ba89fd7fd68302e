/** Resolvers of the administrators' fields. */
import { subjectId } from '../../authz/principal.js';
import type { GraphqlContext } from '../context.js';
import type { MutationResolvers, QueryResolvers } from '../generated.js';
import type { Administrator } from '../../admin/service.js';

export const users: QueryResolvers['users'] = (_source, args, context) => context.services.administration.list(args);

export const user: QueryResolvers['user'] = (_source, { id }, context) => context.services.administration.find(id);

export const updateUser: MutationResolvers['updateUser'] = (_source, { id, input }, context) =>
  context.services.administration.update(id, input, administrator(context));

export const deleteUser: MutationResolvers['deleteUser'] = async (_source, { id }, context) => {
  await context.services.administration.delete(id, administrator(context));
  return true;
};

export const restoreUser: MutationResolvers['restoreUser'] = (_source, { id }, context) =>
  context.services.administration.restore(id, administrator(context));

export const resetSecondFactors: MutationResolvers['resetSecondFactors'] = (_source, { userId }, context) =>
  context.services.administration.resetSecondFactors(userId, administrator(context));

export const revokeUserSessions: MutationResolvers['revokeUserSessions'] = (_source, { userId }, context) =>
  context.services.administration.revokeSessions(userId, administrator(context));

/** The caller as an actor: an account, or a service account with the scope `admin`. */
export function administrator(context: GraphqlContext): Administrator {
  const principal = context.principal();
  return { actorId: subjectId(principal), actorKind: principal.subject.kind, client: context.client };
}
