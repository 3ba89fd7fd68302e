/** Root fields of accounts, and the fields of an account that are not columns. */
import { AppError } from '../errors.js';
import type { MutationResolvers, QueryResolvers, UserResolvers } from '../graphql/generated.js';
import { authPayload } from '../sessions/auth-payload.js';

export const me: QueryResolvers['me'] = (_source, _args, context) => context.principal().user;

export const register: MutationResolvers['register'] = async (_source, { input }, context) =>
  authPayload(await context.services.register(input, context.client), context);

export const login: MutationResolvers['login'] = async (_source, { input }, context) => {
  const { services, client } = context;
  try {
    const entered = await services.login(input, client);
    services.countLogin('success');
    return authPayload(entered, context);
  } catch (error) {
    services.countLogin(error instanceof AppError ? error.code.toLowerCase() : 'error');
    throw error;
  }
};

export const updateMe: MutationResolvers['updateMe'] = (_source, { input }, context) =>
  context.services.updateProfile(context.principal().user, input, context.client);

export const User: UserResolvers = {
  preferences: ({ theme, notifications, language }) => ({ theme, notifications, language }),
  sessions: async ({ id }, _args, context) => {
    const current = context.currentSessionId();
    const sessions = await context.services.sessions.list(id);
    return sessions.map((session) => ({ ...session, current: session.id === current }));
  },
};
