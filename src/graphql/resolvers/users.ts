/** Resolvers of accounts, and of the fields of `User` that are not columns. */
import { AppError } from '../../lib/errors.js';
import { CHANGES_ACCOUNT, type AuditRecord } from '../../audit/event.js';
import type { GraphqlContext } from '../context.js';
import type { MutationResolvers, QueryResolvers, SubscriptionResolvers, UserResolvers } from '../generated.js';
import { userApps } from './authorized-apps.js';
import { bearsOwnCookie, countLogin, issueAuthPayload, onDevice } from './auth-payload.js';
import { parseSessionPage } from '../../sessions/listing-repository.js';
import type { Owner } from '../../passwords/confirm-owner.js';
import { ownUserFields } from './user-factors.js';

export const me: QueryResolvers['me'] = (_source, _args, context) => context.account();

export const meUpdated: SubscriptionResolvers['meUpdated'] = {
  subscribe: (_source, _args, context) =>
    context.services.feed.subscribe(context.account().id, ({ type }) => CHANGES_ACCOUNT.has(type)),
  // The gate has just read the account again for this event.
  resolve: (_record: AuditRecord, _args: unknown, context: GraphqlContext) => context.account(),
};

export const register: MutationResolvers['register'] = (_source, { input }, context) =>
  onDevice(context, () =>
    issueAuthPayload(context, input.transport, () => context.services.register(input, context.client)),
  );

export const login: MutationResolvers['login'] = (_source, { input }, context) =>
  countLogin(context, () =>
    onDevice(context, () =>
      issueAuthPayload(context, input.transport, () => context.services.login(input, context.client)),
    ),
  );

export const updateMe: MutationResolvers['updateMe'] = (_source, { input }, context) => {
  return context.services.updateProfile(context.principal(), input, context.client);
};

export const deleteMe: MutationResolvers['deleteMe'] = async (_source, { input }, context) => {
  await context.services.deletion.deleteOwn(input, callerOf(context));
  if (bearsOwnCookie(context)) context.cookie.clear();
  return true;
};

export const changePassword: MutationResolvers['changePassword'] = async (_source, { input }, context) => {
  const revoker = callerOf(context);
  // The refresh cookie must not keep the superseded token.
  const transport = bearsOwnCookie(context) ? 'COOKIE' : 'BODY';
  return issueAuthPayload(context, transport, () => context.services.changePassword(input, revoker));
};

export const requestPasswordReset: MutationResolvers['requestPasswordReset'] = async (_source, { email }, context) => {
  await context.services.recovery.request(email, context.client);
  return true;
};

export const resetPassword: MutationResolvers['resetPassword'] = (_source, { input }, context) =>
  onDevice(context, () =>
    issueAuthPayload(context, input.transport, () => context.services.recovery.reset(input, context.client)),
  );

export const requestEmailVerification: MutationResolvers['requestEmailVerification'] = async (
  _source,
  _args,
  context,
) => {
  await context.services.verification.request(context.account(), context.client);
  return true;
};

export const verifyEmail: MutationResolvers['verifyEmail'] = (_source, { token }, context) =>
  context.services.verification.verify(token, context.client);

export const cancelEmailChange: MutationResolvers['cancelEmailChange'] = async (_source, { token }, context) => {
  await context.services.changes.cancel(token, context.client);
  return true;
};

export const rejectEmailVerification: MutationResolvers['rejectEmailVerification'] = async (
  _source,
  { token },
  context,
) => {
  await context.services.verification.reject(token, context.client);
  return true;
};

export const User: UserResolvers = {
  ...ownUserFields,
  ...userApps,
  preferences: ({ theme, notifications, language }) => ({ theme, notifications, language }),
  sessions: async ({ id }, args, context) => {
    if (!context.maySeeSessions(id)) throw await sessionsRefused(context);
    const current = context.currentSessionId();
    const { limit, afterId } = parseSessionPage(args);
    const sessions = await context.sessions().load(id, limit, afterId);
    return sessions.map((session) => ({ ...session, current: session.id === current }));
  },
};

/** The error for a caller that may not list sessions: without credentials (`verifyEmail`), or with a delegated credential. */
async function sessionsRefused(context: GraphqlContext): Promise<AppError> {
  const principal = await context.authenticate().catch(() => undefined);
  if (principal === undefined) return new AppError('MISSING_TOKEN', 'An access token is required.');
  return new AppError('INSUFFICIENT_PERMISSIONS', "This requires the person's own session.", { requiredScopes: [] });
}

function callerOf(context: GraphqlContext): Owner {
  const { user, sessionId } = context.session();
  const { authenticatedAt } = context.principal();
  return { userId: user.id, sessionId, client: context.client, authenticatedAt };
}
