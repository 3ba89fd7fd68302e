/** Resolvers of the fields that show the second factors of an account to its owner. */
import { AppError } from '../../lib/errors.js';
import type { GraphqlContext } from '../context.js';
import type { SecondFactorsResolvers, UserResolvers } from '../generated.js';

/** The fields of `User` that only the owner's own session may read. */
export const ownUserFields: Pick<UserResolvers, 'hasPassword' | 'secondFactors'> = {
  hasPassword: ({ id }, _args, context) => {
    assertOwnSession(id, context);
    return context.run(() => context.services.factorStatus.hasPassword(id));
  },
  secondFactors: (account, _args, context) => {
    assertOwnSession(account.id, context);
    return account;
  },
};

export const SecondFactors: SecondFactorsResolvers = {
  totp: async ({ id }, _args, context) => (await context.run(() => context.services.factorStatus.totp(id))) ?? null,
  passkeys: ({ id }, _args, context) => context.run(() => context.services.passkeys.list(id)),
  required: (account, _args, context) => context.services.secondFactorPolicy.isRequired(account),
  recoveryCodesLeft: ({ id }, _args, context) => context.run(() => context.services.factorStatus.recoveryCodesLeft(id)),
};

/** @throws AppError INSUFFICIENT_PERMISSIONS unless the caller's session is the account's own */
export function assertOwnSession(userId: string, context: GraphqlContext): void {
  if (context.isOwnSession(userId)) return;
  throw new AppError('INSUFFICIENT_PERMISSIONS', "This requires the person's own session.", { requiredScopes: [] });
}
