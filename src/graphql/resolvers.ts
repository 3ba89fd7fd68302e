/** Every feature's resolvers, by type. */
import * as accounts from '../accounts/resolvers.js';
import * as sessions from '../sessions/resolvers.js';

export const resolvers = {
  Query: { me: accounts.me },
  Mutation: {
    register: accounts.register,
    login: accounts.login,
    refresh: sessions.refresh,
    logout: sessions.logout,
    updateMe: accounts.updateMe,
  },
  User: accounts.User,
};
