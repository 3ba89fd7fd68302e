/** Accounts. The `*_key` columns are unique: the normalised form (case and Unicode compatibility). */
import { sql } from 'drizzle-orm';
import { boolean, check, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const users = pgTable(
  'users',
  {
    id: uuid().primaryKey(),
    email: text().notNull(),
    emailKey: text().notNull(),
    /** A requested address that is not confirmed. It does not count as taken. */
    pendingEmail: text(),
    pendingEmailKey: text(),
    username: text().notNull(),
    usernameKey: text().notNull(),
    displayName: text(),
    avatarUrl: text(),
    role: text({ enum: ['USER', 'ADMIN'] })
      .notNull()
      .default('USER'),
    /** Null for an account without a password. */
    passwordHash: text(),
    /** Whether the account has an authenticator app or a passkey. Changes with them, in the same transaction. */
    hasSecondFactor: boolean().notNull().default(false),
    isVerified: boolean().notNull().default(false),
    isPremium: boolean().notNull().default(false),
    theme: text({ enum: ['LIGHT', 'DARK', 'SYSTEM'] })
      .notNull()
      .default('SYSTEM'),
    notifications: boolean().notNull().default(true),
    language: text().notNull().default('en'),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
    lastLoginAt: instant(),
    disabledAt: instant(),
    deletedAt: instant(),
  },
  (table) => [
    unique('users_email_key_unique').on(table.emailKey),
    unique('users_username_key_unique').on(table.usernameKey),
    // For searches by prefix, independent of the database's collation.
    index('users_email_prefix_index').on(table.emailKey.op('text_pattern_ops')),
    index('users_username_prefix_index').on(table.usernameKey.op('text_pattern_ops')),
    index('users_administrators_index')
      .on(table.id)
      .where(sql`${table.role} = 'ADMIN'`),
    index('users_deleted_at_index')
      .on(table.deletedAt)
      .where(sql`${table.deletedAt} is not null`),
    check('users_role_known', sql`${table.role} in ('USER', 'ADMIN')`),
    check('users_theme_known', sql`${table.theme} in ('LIGHT', 'DARK', 'SYSTEM')`),
  ],
);
