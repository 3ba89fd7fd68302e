/** Authorization requests that wait for a person, and the consent that people gave. */
import { foreignKey, index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { oauthClients } from './oauth-clients.js';
import { users } from './users.js';

/** Deleted when it is answered, so it is answered once. */
export const oauthRequests = pgTable(
  'oauth_requests',
  {
    /** SHA-256 in base64url of the 256 random bits in the forms. */
    requestHash: text().primaryKey(),
    /** SHA-256 of the cookie of the browser that may answer it. */
    browserHash: text().notNull(),
    kind: text({ enum: ['authorize', 'device'] }).notNull(),
    clientId: text().notNull(),
    /** The validated parameters. */
    parameters: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    index('oauth_requests_expires_at_index').on(table.expiresAt),
    foreignKey({
      name: 'oauth_requests_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);

export const oauthConsents = pgTable(
  'oauth_consents',
  {
    userId: uuid().notNull(),
    clientId: text().notNull(),
    /** All scopes that the person granted to the client. */
    scopes: text().array().notNull(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'oauth_consents_pk', columns: [table.userId, table.clientId] }),
    index('oauth_consents_client_id_index').on(table.clientId),
    foreignKey({ name: 'oauth_consents_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    foreignKey({
      name: 'oauth_consents_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);
