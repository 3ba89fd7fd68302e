/** Failed proofs of passwords: kept here so that a restart does not forget them and instances share them. */
import { index, integer, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const passwordAttempts = pgTable(
  'password_attempts',
  {
    /** Hashed: it may hold a name that somebody typed, and people type passwords into the wrong field. */
    key: text().primaryKey(),
    /** Counted before the proof and taken back when it succeeds, so that parallel guesses all count. */
    failures: integer().notNull(),
    /** No attempt before this. */
    blockedUntil: instant().notNull(),
    /** When the failures are forgotten. */
    expiresAt: instant().notNull(),
  },
  (table) => [index('password_attempts_expires_at_index').on(table.expiresAt)],
);
