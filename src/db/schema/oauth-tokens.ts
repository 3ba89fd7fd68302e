/** Tokens of client credentials, used client assertions, and logout tokens to be sent. */
import { foreignKey, index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { oauthClients } from './oauth-clients.js';
import { serviceAccounts } from './service-accounts.js';

/** A row for each access token of a service account: its claim `sid` names it. */
export const oauthServiceGrants = pgTable(
  'oauth_service_grants',
  {
    id: uuid().primaryKey(),
    clientId: text().notNull(),
    serviceAccountId: uuid().notNull(),
    scopes: text().array().notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
    endedAt: instant(),
  },
  (table) => [
    index('oauth_service_grants_expires_at_index').on(table.expiresAt),
    index('oauth_service_grants_client_id_index').on(table.clientId),
    index('oauth_service_grants_service_account_id_index').on(table.serviceAccountId),
    foreignKey({
      name: 'oauth_service_grants_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'oauth_service_grants_service_account_id_fk',
      columns: [table.serviceAccountId],
      foreignColumns: [serviceAccounts.id],
    }).onDelete('cascade'),
  ],
);

/** Client assertions are accepted once (RFC 7523 section 3, `jti`). */
export const oauthUsedAssertions = pgTable(
  'oauth_used_assertions',
  {
    clientId: text().notNull(),
    /** SHA-256 in base64url. */
    jtiHash: text().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'oauth_used_assertions_pk', columns: [table.clientId, table.jtiHash] }),
    index('oauth_used_assertions_expires_at_index').on(table.expiresAt),
    foreignKey({
      name: 'oauth_used_assertions_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);

/** Back-channel logout (OpenID Connect): written in the transaction of the logout, deleted when the client has accepted it. */
export const oauthLogoutNotices = pgTable(
  'oauth_logout_notices',
  {
    id: uuid().primaryKey(),
    clientId: text().notNull(),
    /** The claims `sub` and `sid` of the logout token. */
    userId: uuid().notNull(),
    sessionId: uuid().notNull(),
    attempts: integer().notNull().default(0),
    nextAttemptAt: instant().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('oauth_logout_notices_next_attempt_at_index').on(table.nextAttemptAt),
    index('oauth_logout_notices_client_id_index').on(table.clientId),
    foreignKey({
      name: 'oauth_logout_notices_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);
