/** OAuth 2.0 clients (RFC 6749 section 2) and their secrets. */
import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { serviceAccounts } from './service-accounts.js';

export const oauthClients = pgTable(
  'oauth_clients',
  {
    /** The `client_id`: a UUID, or the URL of a client ID metadata document. */
    id: text().primaryKey(),
    name: text().notNull(),
    type: text({ enum: ['CONFIDENTIAL', 'PUBLIC'] }).notNull(),
    authMethod: text({ enum: ['CLIENT_SECRET', 'PRIVATE_KEY_JWT', 'NONE'] }).notNull(),
    redirectUris: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    postLogoutRedirectUris: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    grantTypes: text({ enum: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'CLIENT_CREDENTIALS', 'DEVICE_CODE'] })
      .array()
      .notNull(),
    /** The scopes that it may request, those of OpenID Connect included. */
    scopes: text().array().notNull(),
    requirePkce: boolean().notNull(),
    /** Needs no consent. */
    firstParty: boolean().notNull(),
    mayIntrospect: boolean().notNull(),
    /** The public keys for `private_key_jwt` (RFC 7517). */
    jwks: jsonb().$type<{ readonly keys: readonly Record<string, unknown>[] }>(),
    /** OpenID Connect Back-Channel Logout 1.0. */
    backchannelLogoutUri: text(),
    /** How it was registered: by an administrator, by RFC 7591, or by a metadata document. */
    source: text({ enum: ['ADMINISTRATOR', 'REGISTRATION', 'METADATA_DOCUMENT'] }).notNull(),
    /** The account that its client credentials stand for. */
    serviceAccountId: uuid(),
    createdAt: instant().notNull(),
    /** For a metadata document: when it was fetched. */
    updatedAt: instant().notNull(),
    disabledAt: instant(),
  },
  (table) => [
    index('oauth_clients_service_account_id_index').on(table.serviceAccountId),
    foreignKey({
      name: 'oauth_clients_service_account_id_fk',
      columns: [table.serviceAccountId],
      foreignColumns: [serviceAccounts.id],
    }).onDelete('set null'),
  ],
);

/** At most two at a time: the current secret, and the former one during the overlap of a rotation. */
export const oauthClientSecrets = pgTable(
  'oauth_client_secrets',
  {
    id: uuid().primaryKey(),
    clientId: text().notNull(),
    /** SHA-256 in base64url of 256 random bits, which need no salt. */
    secretHash: text().notNull(),
    createdAt: instant().notNull(),
    /** The end of the overlap; null for the current secret. */
    expiresAt: instant(),
  },
  (table) => [
    index('oauth_client_secrets_client_id_index').on(table.clientId),
    foreignKey({
      name: 'oauth_client_secrets_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);
