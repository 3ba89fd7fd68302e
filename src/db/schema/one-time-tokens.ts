/** Tokens that are mailed: one purpose, one account, one use. Only their hashes are kept. */
import { foreignKey, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

/** One row for an account and purpose: a newer token takes the older one's place. */
export const oneTimeTokens = pgTable(
  'one_time_tokens',
  {
    userId: uuid().notNull(),
    purpose: text({ enum: ['password_reset', 'email_verification'] }).notNull(),
    /** SHA-256 in base64url; of 256 random bits, which need no salt. */
    tokenHash: text().notNull(),
    /** The address that it was sent to, normalised: using it proves that address and no other. */
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
