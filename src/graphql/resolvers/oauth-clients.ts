/** Resolvers of OAuth clients, for administrators. */
import { subjectId } from '../../authz/principal.js';
import type { ClientActor } from '../../oauth/clients/grants.js';
import type { GraphqlContext } from '../context.js';
import type { MutationResolvers, QueryResolvers } from '../generated.js';

export const oauthClients: QueryResolvers['oauthClients'] = (_source, args, context) =>
  context.services.oauth.clients.list(args);

export const oauthClient: QueryResolvers['oauthClient'] = (_source, { id }, context) =>
  context.services.oauth.clients.find(id);

export const createOAuthClient: MutationResolvers['createOAuthClient'] = (_source, { input }, context) =>
  context.services.oauth.clients.create(input, actor(context));

export const updateOAuthClient: MutationResolvers['updateOAuthClient'] = (_source, { id, input }, context) =>
  context.services.oauth.clients.update(id, input, actor(context));

export const rotateOAuthClientSecret: MutationResolvers['rotateOAuthClientSecret'] = (
  _source,
  { id, overlap },
  context,
) => context.services.oauth.clients.rotateSecret(id, overlap, actor(context));

export const deleteOAuthClient: MutationResolvers['deleteOAuthClient'] = async (_source, { id }, context) => {
  await context.services.oauth.clients.delete(id, actor(context));
  return true;
};

function actor(context: GraphqlContext): ClientActor {
  const principal = context.principal();
  return { actorId: subjectId(principal), actorKind: principal.subject.kind, client: context.client };
}
