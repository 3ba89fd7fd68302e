/** One-time tokens that were used, kept until they would have expired, so that a second use can say what the first one did. */
import { index, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

/** Not tied to an account: the answer must outlive an account that the token removed. Holds no personal data. */
export const usedOneTimeTokens = pgTable(
  'used_one_time_tokens',
  {
    /** SHA-256 in base64url. */
    tokenHash: text().primaryKey(),
    outcome: text({ enum: ['password_reset', 'email_verified', 'email_rejected'] }).notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [index('used_one_time_tokens_expires_at_index').on(table.expiresAt)],
);
