/** Mailed tokens for one purpose, one account and one use. Only their hashes are stored. */
import { foreignKey, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

/** One row for each account and purpose: a newer token replaces the older one. */
export const oneTimeTokens = pgTable(
  'one_time_tokens',
  {
    userId: uuid().notNull(),
    purpose: text({ enum: ['password_reset', 'email_verification'] }).notNull(),
    /** SHA-256 in base64url of 256 random bits, which need no salt. */
    tokenHash: text().notNull(),
    /** The normalised address that the token was sent to. Its use confirms only this address. */
    emailKey: text().notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'one_time_tokens_pk', columns: [table.userId, table.purpose] }),
    unique('one_time_tokens_token_hash_unique').on(table.tokenHash),
    index('one_time_tokens_expires_at_index').on(table.expiresAt),
    foreignKey({ name: 'one_time_tokens_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);
