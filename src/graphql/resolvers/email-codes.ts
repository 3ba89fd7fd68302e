/** Resolvers of sign-in by mailed codes. */
import type { MutationResolvers } from '../generated.js';
import { countLogin, issueAuthPayload, onDevice } from './auth-payload.js';

export const requestEmailCode: MutationResolvers['requestEmailCode'] = async (_source, { email }, context) => {
  await context.services.emailLogin.request(email, context.client);
  return true;
};

export const loginWithEmailCode: MutationResolvers['loginWithEmailCode'] = (_source, { input }, context) =>
  countLogin(context, () =>
    onDevice(context, () =>
      issueAuthPayload(context, input.transport, () => context.services.emailLogin.login(input, context.client)),
    ),
  );
