/**
 * Mail that is still to be sent. A row is written in the transaction of what it tells of and goes when the mail server
 * has taken the message. It holds no token: that is made when the message is.
 */
import { index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

/** No foreign key: who changed or left the address is still told at the old one. */
export const mailOutbox = pgTable(
  'mail_outbox',
  {
    id: uuid().primaryKey(),
    kind: text().notNull(),
    /** Null where it is yet to be found out whether there is an account. */
    userId: uuid(),
    /** Where it goes; for a password reset, the normalised address that was typed. */
    address: text().notNull(),
    /** What the message needs besides; nothing secret. */
    detail: jsonb().$type<Record<string, string | null>>().notNull(),
    attempts: integer().notNull().default(0),
    nextAttemptAt: instant().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [index('mail_outbox_next_attempt_at_index').on(table.nextAttemptAt)],
);
