/** The resolvers of all features, by type. */
import * as accounts from './users.js';
import * as admin from './admin.js';
import { revokeAuthorizedApp, Session } from './authorized-apps.js';
import * as audit from './audit.js';
import * as secondFactors from './second-factors.js';
import * as emailCodes from './email-codes.js';
import * as passkeys from './passkeys.js';
import * as clients from './oauth-clients.js';
import * as sessions from './sessions.js';
import { SecondFactors } from './user-factors.js';

const { me, meUpdated, User, ...accountMutations } = accounts;
const { users, user, ...adminMutations } = admin;
const { oauthClients, oauthClient, ...clientMutations } = clients;

export const resolvers = {
  Query: { me, users, user, auditEvents: audit.auditEvents, oauthClients, oauthClient },
  Mutation: {
    ...accountMutations,
    ...emailCodes,
    ...sessions,
    ...secondFactors,
    ...passkeys,
    ...adminMutations,
    ...clientMutations,
    revokeAuthorizedApp,
  },
  Subscription: { meUpdated, securityEvents: audit.securityEvents, auditEvents: audit.allAuditEvents },
  AuditEvent: audit.AuditEvent,
  User,
  Session,
  SecondFactors,
};
