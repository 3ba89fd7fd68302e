/** Resolvers of the applications that a person has authorized. */
import type { MutationResolvers, SessionResolvers, UserResolvers } from '../generated.js';
import { assertOwnSession } from './user-factors.js';

export const revokeAuthorizedApp: MutationResolvers['revokeAuthorizedApp'] = async (_source, { clientId }, context) => {
  const { user, sessionId } = context.session();
  await context.services.oauth.apps.revoke(clientId, { userId: user.id, sessionId, client: context.client });
  return true;
};

/** Only for the account's own session. */
export const userApps: Pick<UserResolvers, 'authorizedApps'> = {
  authorizedApps: async ({ id }, _args, context) => {
    assertOwnSession(id, context);
    const apps = await context.run(() => context.services.oauth.apps.list(id));
    return apps.map((app) => ({ ...app, scopes: [...app.scopes] }));
  },
};

export const Session: SessionResolvers = {
  app: ({ clientId, clientName }) => (clientId === null ? null : { clientId, name: clientName ?? clientId }),
};
