/** Challenges of sign-ins that still need a second factor. Only their hashes are stored. */
import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const secondFactorChallenges = pgTable(
  'second_factor_challenges',
  {
    /** SHA-256 in base64url of 256 random bits. */
    challengeHash: text().primaryKey(),
    userId: uuid().notNull(),
    /** How the first factor was proved, for the audit log. */
    provedBy: text({ enum: ['login', 'passkey', 'password reset', 'email code', 'identity provider'] }).notNull(),
    /** The authentication methods of the first factor. */
    methods: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** Parameters of the session to open, from the first step. */
    rememberMe: boolean().notNull(),
    transport: text({ enum: ['BODY', 'COOKIE'] }).notNull(),
    clientId: text(),
    /** SHA-256 of the cookie of the browser that must finish the sign-in; null if the first step set no cookie. */
    browserHash: text(),
    /** Codes that were tried. Counted before a code is verified. */
    tries: integer().notNull().default(0),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    index('second_factor_challenges_user_id_index').on(table.userId),
    index('second_factor_challenges_expires_at_index').on(table.expiresAt),
    foreignKey({
      name: 'second_factor_challenges_user_id_fk',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
  ],
);
