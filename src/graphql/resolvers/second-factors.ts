/** Resolvers of second factors, and of sign-ins and step-ups with them. */
import type { Revoker } from '../../sessions/revocation.js';
import type { GraphqlContext } from '../context.js';
import type { MutationResolvers } from '../generated.js';
import { bearsOwnCookie, countLogin, issueAuthPayload, onDevice } from './auth-payload.js';

export const startTotpEnrollment: MutationResolvers['startTotpEnrollment'] = (_source, _args, context) =>
  context.services.totp.start(context.account());

export const confirmTotpEnrollment: MutationResolvers['confirmTotpEnrollment'] = async (_source, { code }, context) => {
  const codes = await context.services.totp.confirm(code, ownerOf(context));
  return codes === undefined ? null : { codes: [...codes] };
};

export const removeTotp: MutationResolvers['removeTotp'] = async (_source, _args, context) => {
  await context.services.totp.remove(ownerOf(context));
  return true;
};

export const regenerateRecoveryCodes: MutationResolvers['regenerateRecoveryCodes'] = async (
  _source,
  _args,
  context,
) => ({ codes: [...(await context.services.recoveryCodes.regenerate(ownerOf(context)))] });

export const loginWithSecondFactor: MutationResolvers['loginWithSecondFactor'] = async (
  _source,
  { input },
  context,
) => {
  const { secondFactorLogin } = context.services;
  const presented = { challenge: input.challenge, browserToken: context.challenge.token };
  const { transport } = await secondFactorLogin.find(presented);
  const payload = await countLogin(context, () =>
    onDevice(context, () =>
      issueAuthPayload(context, transport, () => secondFactorLogin.login(presented, input, context.client)),
    ),
  );
  context.challenge.clear();
  return payload;
};

export const reauthenticate: MutationResolvers['reauthenticate'] = (_source, { input }, context) => {
  const owner = ownerOf(context);
  // The refresh cookie must not keep the superseded token.
  const transport = bearsOwnCookie(context) ? 'COOKIE' : 'BODY';
  return issueAuthPayload(context, transport, () => context.services.reauthenticate(input, owner));
};

function ownerOf(context: GraphqlContext): Revoker {
  const { user, sessionId } = context.session();
  return { userId: user.id, sessionId, client: context.client };
}
