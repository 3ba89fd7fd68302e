/** Mailed sign-in codes. An account has at most one. Only hashes are stored. */
import { foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const emailCodes = pgTable(
  'email_codes',
  {
    userId: uuid().primaryKey(),
    /** HMAC of the code under a key that is derived from AUTH_SECRET, since a code has 40 bits only. */
    codeHash: text().notNull(),
    /** SHA-256 in base64url of the token in the mailed link, which stands for the code. */
    linkHash: text().notNull(),
    /** The normalised address to which it was sent. */
    emailKey: text().notNull(),
    /** Codes that were tried. Counted before a code is verified. */
    tries: integer().notNull().default(0),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    unique('email_codes_link_hash_unique').on(table.linkHash),
    index('email_codes_expires_at_index').on(table.expiresAt),
    foreignKey({ name: 'email_codes_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);
