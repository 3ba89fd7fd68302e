/** The resolvers of all features, by type. */
import * as accounts from './users.js';
import * as apiKeys from './api-keys.js';
import * as admin from './admin.js';
import { revokeAuthorizedApp, Session } from './authorized-apps.js';
import * as audit from './audit.js';
import * as secondFactors from './second-factors.js';
import * as emailCodes from './email-codes.js';
import * as identities from './identities.js';
import * as passkeys from './passkeys.js';
import * as clients from './oauth-clients.js';
import * as serviceAccounts from './service-accounts.js';
import * as sessions from './sessions.js';
import { SecondFactors } from './user-factors.js';

const { me, meUpdated, User, ...accountMutations } = accounts;
const { users, user, updateUser, deleteUser, restoreUser, resetSecondFactors, revokeUserSessions } = admin;
const adminMutations = { updateUser, deleteUser, restoreUser, resetSecondFactors, revokeUserSessions };
const { identityProviders, identitiesOfUser, ...identityMutations } = identities;
const { oauthClients, oauthClient, ...clientMutations } = clients;
const { ApiKey, apiKeysOfUser, userApiKeys, ...apiKeyMutations } = apiKeys;
const { ServiceAccount, serviceAccounts: listServiceAccounts, ...serviceAccountMutations } = serviceAccounts;

export const resolvers = {
  Query: {
    me,
    identityProviders,
    users,
    user,
    auditEvents: audit.auditEvents,
    oauthClients,
    oauthClient,
    userApiKeys,
    serviceAccounts: listServiceAccounts,
  },
  Mutation: {
    ...accountMutations,
    ...emailCodes,
    ...sessions,
    ...secondFactors,
    ...passkeys,
    ...identityMutations,
    ...apiKeyMutations,
    ...adminMutations,
    ...serviceAccountMutations,
    ...clientMutations,
    revokeAuthorizedApp,
  },
  Subscription: { meUpdated, securityEvents: audit.securityEvents, auditEvents: audit.allAuditEvents },
  AuditEvent: audit.AuditEvent,
  ApiKey,
  ServiceAccount,
  User: { ...User, apiKeys: apiKeysOfUser, identities: identitiesOfUser },
  Session,
  SecondFactors,
};
