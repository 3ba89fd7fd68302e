/**
 * Mail to be sent. A row is written in the transaction of the change that causes the mail, and deleted when the mail server has
 * accepted the message. It contains no token: the token is created with the message.
 */
import { index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

/** No foreign key: notices to a former address or of a deleted account are still sent. */
export const mailOutbox = pgTable(
  'mail_outbox',
  {
    id: uuid().primaryKey(),
    kind: text().notNull(),
    /** Null until the account of the address has been looked up. */
    userId: uuid(),
    /** The recipient; for a password reset, the normalised address that was entered. */
    address: text().notNull(),
    /** Further values for the message. Contains no secret. */
    detail: jsonb().$type<Record<string, string | null>>().notNull(),
    attempts: integer().notNull().default(0),
    nextAttemptAt: instant().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index('mail_outbox_next_attempt_at_index').on(table.nextAttemptAt)],
);
