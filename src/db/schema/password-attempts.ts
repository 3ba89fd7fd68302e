/** Failed password attempts, stored so that they survive restarts and instances share them. */
import { index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const passwordAttempts = pgTable(
  'password_attempts',
  {
    /** Hashed, because it may contain entered text, and users enter passwords into the wrong field. */
    key: text().primaryKey(),
    /** Counted before the password is verified and reset after a success, so that parallel guesses all count. */
    failures: integer().notNull(),
    /** The end of the wait. Earlier attempts are rejected. */
    blockedUntil: instant().notNull(),
    /** When the failures expire. */
    expiresAt: instant().notNull(),
  },
  (table) => [index('password_attempts_expires_at_index').on(table.expiresAt)],
);
