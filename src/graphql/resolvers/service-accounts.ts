/** Resolvers of service accounts. */
import type { MutationResolvers, QueryResolvers, ServiceAccountResolvers } from '../generated.js';
import { administrator } from './admin.js';

export const ServiceAccount: ServiceAccountResolvers = {
  apiKeys: async ({ id }, _args, context) => [...(await context.services.serviceAccounts.keysOf(id))],
};

export const serviceAccounts: QueryResolvers['serviceAccounts'] = (_source, args, context) =>
  context.services.serviceAccounts.list(args);

export const createServiceAccount: MutationResolvers['createServiceAccount'] = (_source, { input }, context) =>
  context.services.serviceAccounts.create(input, administrator(context));

export const updateServiceAccount: MutationResolvers['updateServiceAccount'] = (_source, { id, input }, context) =>
  context.services.serviceAccounts.update(id, input, administrator(context));

export const deleteServiceAccount: MutationResolvers['deleteServiceAccount'] = async (_source, { id }, context) => {
  await context.services.serviceAccounts.remove(id, administrator(context));
  return true;
};

export const createServiceAccountKey: MutationResolvers['createServiceAccountKey'] = (
  _source,
  { id, input },
  context,
) => context.services.serviceAccounts.createKey(id, input, administrator(context));

export const revokeServiceAccountKey: MutationResolvers['revokeServiceAccountKey'] = async (
  _source,
  { id },
  context,
) => {
  await context.services.serviceAccounts.revokeKey(id, administrator(context));
  return true;
};
