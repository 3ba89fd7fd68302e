/** Every feature's resolvers, by type. */
import * as accounts from '../accounts/resolvers.js';
import * as admin from '../admin/resolvers.js';
import * as audit from '../audit/resolvers.js';
import * as sessions from '../sessions/resolvers.js';

const { me, meUpdated, User, ...accountMutations } = accounts;
const { users, user, ...adminMutations } = admin;

export const resolvers = {
  Query: { me, users, user, auditEvents: audit.auditEvents },
  Mutation: { ...accountMutations, ...sessions, ...adminMutations },
  Subscription: { meUpdated, securityEvents: audit.securityEvents, auditEvents: audit.allAuditEvents },
  User,
};
