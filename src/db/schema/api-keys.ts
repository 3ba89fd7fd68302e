/** API keys of accounts and of service accounts. Only hashes of their secrets are stored. */
import { sql } from 'drizzle-orm';
import { check, foreignKey, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { serviceAccounts } from './service-accounts.js';
import { users } from './users.js';

export const apiKeys = pgTable(
  'api_keys',
  {
    /** Part of the key, in base62. */
    id: uuid().primaryKey(),
    /** The owner: an account or a service account. */
    userId: uuid(),
    serviceAccountId: uuid(),
    name: text().notNull(),
    /** The public part of the key: its prefix and id. */
    prefix: text().notNull(),
    /** SHA-256 in base64url of 256 random bits, which need no salt. */
    secretHash: text().notNull(),
    /** The former secret during the overlap of a rotation. */
    previousHash: text(),
    /** The end of the overlap. */
    previousUntil: instant(),
    scopes: text().array().notNull(),
    /** Networks in CIDR notation from which the key is accepted; empty for all. */
    networks: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    createdAt: instant().notNull(),
    /** When the current secret was made. */
    rotatedAt: instant().notNull(),
    /** Null for a key that does not expire. */
    expiresAt: instant(),
    lastUsedAt: instant(),
    revokedAt: instant(),
  },
  (table) => [
    index('api_keys_user_id_index').on(table.userId),
    index('api_keys_service_account_id_index').on(table.serviceAccountId),
    index('api_keys_expires_at_index')
      .on(table.expiresAt)
      .where(sql`${table.expiresAt} is not null`),
    index('api_keys_revoked_at_index')
      .on(table.revokedAt)
      .where(sql`${table.revokedAt} is not null`),
    foreignKey({ name: 'api_keys_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    foreignKey({
      name: 'api_keys_service_account_id_fk',
      columns: [table.serviceAccountId],
      foreignColumns: [serviceAccounts.id],
    }).onDelete('cascade'),
    check('api_keys_one_owner', sql`num_nonnulls(${table.userId}, ${table.serviceAccountId}) = 1`),
  ],
);
