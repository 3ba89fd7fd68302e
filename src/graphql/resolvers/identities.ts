/** Resolvers of sign-in with identities at other providers. */
import type { Revoker } from '../../sessions/revocation.js';
import type { GraphqlContext } from '../context.js';
import type { IdentityProviderKind, MutationResolvers, QueryResolvers, UserResolvers } from '../generated.js';
import type { ProviderKind } from '../../identities/provider.js';
import { countLogin, issueAuthPayload, onDevice } from './auth-payload.js';
import { assertOwnSession } from './user-factors.js';

const KINDS: Readonly<Record<ProviderKind, IdentityProviderKind>> = { oidc: 'OIDC', oauth2: 'OAUTH2', plex: 'PLEX' };

export const identityProviders: QueryResolvers['identityProviders'] = (_source, _args, { services }) =>
  [...services.identities.flows.providers.values()].map(({ id, name, kind }) => ({ id, name, kind: KINDS[kind] }));

/** Only for the account's own session. */
export const identitiesOfUser: UserResolvers['identities'] = async ({ id }, _args, context) => {
  assertOwnSession(id, context);
  return [...(await context.run(() => context.services.identities.links.list(id)))];
};

export const startIdentityLogin: MutationResolvers['startIdentityLogin'] = (_source, { input }, context) =>
  context.services.identities.logins.start(input);

export const finishIdentityLogin: MutationResolvers['finishIdentityLogin'] = (_source, { input }, context) =>
  countLogin(context, () =>
    onDevice(context, () =>
      issueAuthPayload(context, input.transport, () =>
        context.services.identities.logins.finish(input, context.client),
      ),
    ),
  );

export const loginWithPlex: MutationResolvers['loginWithPlex'] = (_source, { input }, context) =>
  countLogin(context, () =>
    onDevice(context, () =>
      issueAuthPayload(context, input.transport, () =>
        context.services.identities.logins.withPlex(input, context.client),
      ),
    ),
  );

export const startIdentityLink: MutationResolvers['startIdentityLink'] = (_source, { input }, context) =>
  context.services.identities.links.start(input, callerOf(context));

export const finishIdentityLink: MutationResolvers['finishIdentityLink'] = (_source, args, context) =>
  context.services.identities.links.finish(args.code, args.codeVerifier, callerOf(context));

export const unlinkIdentity: MutationResolvers['unlinkIdentity'] = async (_source, { id }, context) => {
  await context.services.identities.links.unlink(id, callerOf(context));
  return true;
};

function callerOf(context: GraphqlContext): Revoker {
  const { user, sessionId } = context.session();
  return { userId: user.id, sessionId, client: context.client };
}
