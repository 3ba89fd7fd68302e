/**
 * Changes of email addresses and usernames that a mailed link can still cancel. After a change, the former value stays reserved
 * for the account.
 */
import { sql } from 'drizzle-orm';
import { foreignKey, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const identifierChanges = pgTable(
  'identifier_changes',
  {
    id: uuid().primaryKey(),
    userId: uuid().notNull(),
    kind: text({ enum: ['email', 'username'] }).notNull(),
    /** The value that a cancellation restores, and its normalised form. */
    previous: text().notNull(),
    previousKey: text().notNull(),
    createdAt: instant().notNull(),
    /** When the change took effect; null for a requested email address that is not confirmed yet. */
    appliedAt: instant(),
    cancelledAt: instant(),
    /** When the password was changed after the change took effect. A cancellation then invalidates that password. */
    passwordChangedAt: instant(),
    /** The end of the time in which the change can be cancelled and the former value is reserved. */
    expiresAt: instant().notNull(),
  },
  (table) => [
    foreignKey({ name: 'identifier_changes_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    index('identifier_changes_user_id_index').on(table.userId),
    index('identifier_changes_held_index')
      .on(table.previousKey)
      .where(sql`${table.appliedAt} is not null and ${table.cancelledAt} is null`),
    index('identifier_changes_expires_at_index').on(table.expiresAt),
  ],
);
