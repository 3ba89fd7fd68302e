/** Resolvers of passkeys. */
import type { Revoker } from '../../sessions/revocation.js';
import type { GraphqlContext } from '../context.js';
import type { MutationResolvers } from '../generated.js';
import { countLogin, issueAuthPayload, onDevice } from './auth-payload.js';

export const startPasskeyRegistration: MutationResolvers['startPasskeyRegistration'] = (_source, _args, context) =>
  context.services.passkeys.startRegistration(context.account(), context.session().sessionId);

export const finishPasskeyRegistration: MutationResolvers['finishPasskeyRegistration'] = (
  _source,
  { response, name },
  context,
) => context.services.passkeys.finishRegistration(ownerOf(context), response, name);

export const renamePasskey: MutationResolvers['renamePasskey'] = (_source, { id, name }, context) =>
  context.services.passkeys.rename(ownerOf(context), id, name);

export const removePasskey: MutationResolvers['removePasskey'] = async (_source, { id }, context) => {
  await context.services.passkeys.remove(ownerOf(context), id);
  return true;
};

export const startPasskeyLogin: MutationResolvers['startPasskeyLogin'] = (_source, { challenge }, context) => {
  const { token: browserToken } = context.challenge;
  return context.services.passkeyAuthentication.start(challenge == null ? undefined : { challenge, browserToken });
};

export const loginWithPasskey: MutationResolvers['loginWithPasskey'] = (_source, { input }, context) =>
  countLogin(context, () =>
    onDevice(context, () =>
      issueAuthPayload(context, input.transport, () => context.services.loginWithPasskey(input, context.client)),
    ),
  );

function ownerOf(context: GraphqlContext): Revoker {
  const { user, sessionId } = context.session();
  return { userId: user.id, sessionId, client: context.client };
}
