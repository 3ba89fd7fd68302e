/** Authorization codes (RFC 6749 section 4.1.2) and device codes (RFC 8628). Only their hashes are stored. */
import { sql } from 'drizzle-orm';
import { foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { oauthClients } from './oauth-clients.js';
import { users } from './users.js';

export const oauthCodes = pgTable(
  'oauth_codes',
  {
    /** SHA-256 in base64url of 256 random bits. */
    codeHash: text().primaryKey(),
    clientId: text().notNull(),
    userId: uuid().notNull(),
    /** The browser session at the provider. */
    browserSessionId: uuid().notNull(),
    redirectUri: text().notNull(),
    /** The S256 challenge (RFC 7636); null for a client that needs none. */
    codeChallenge: text(),
    nonce: text(),
    /** Resource indicators (RFC 8707). */
    resources: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    scopes: text().array().notNull(),
    /** The last authentication of the person, and its methods. */
    authenticatedAt: instant().notNull(),
    amr: text().array().notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
    usedAt: instant(),
    /** The grant that it gave. */
    grantId: uuid(),
  },
  (table) => [
    index('oauth_codes_expires_at_index').on(table.expiresAt),
    index('oauth_codes_user_id_index').on(table.userId),
    index('oauth_codes_client_id_index').on(table.clientId),
    foreignKey({ name: 'oauth_codes_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    foreignKey({
      name: 'oauth_codes_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);

export const oauthDeviceCodes = pgTable(
  'oauth_device_codes',
  {
    /** SHA-256 in base64url of 256 random bits. */
    deviceCodeHash: text().primaryKey(),
    /** SHA-256 in base64url of the normalised user code. It is short-lived and its attempts are limited. */
    userCodeHash: text().notNull(),
    clientId: text().notNull(),
    scopes: text().array().notNull(),
    resources: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    status: text({ enum: ['pending', 'approved', 'denied'] }).notNull(),
    /** Set by the approval. */
    userId: uuid(),
    browserSessionId: uuid(),
    authenticatedAt: instant(),
    amr: text().array(),
    /** Seconds between polls; `slow_down` raises it. */
    intervalSeconds: integer().notNull(),
    lastPolledAt: instant(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
    usedAt: instant(),
  },
  (table) => [
    unique('oauth_device_codes_user_code_hash_unique').on(table.userCodeHash),
    index('oauth_device_codes_expires_at_index').on(table.expiresAt),
    index('oauth_device_codes_user_id_index').on(table.userId),
    foreignKey({ name: 'oauth_device_codes_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    foreignKey({
      name: 'oauth_device_codes_client_id_fk',
      columns: [table.clientId],
      foreignColumns: [oauthClients.id],
    }).onDelete('cascade'),
  ],
);
