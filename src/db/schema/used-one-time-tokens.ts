/** Used one-time tokens, stored until they would have expired, so that the page of a second use can show the result of the first. */
import { index, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

/** No foreign key: the row must remain if the token removed its account. Contains no personal data. */
export const usedOneTimeTokens = pgTable(
  'used_one_time_tokens',
  {
    /** SHA-256 in base64url. */
    tokenHash: text().primaryKey(),
    outcome: text({ enum: ['password_reset', 'email_verified', 'email_rejected', 'signed_in'] }).notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [index('used_one_time_tokens_expires_at_index').on(table.expiresAt)],
);
