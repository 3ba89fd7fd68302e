/** What happened to an account, written in the transaction of the change it tells of. */
import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

/** No foreign keys: an event outlives the account and the session that it names. */
export const auditEvents = pgTable(
  'audit_events',
  {
    id: uuid().primaryKey(),
    type: text().notNull(),
    userId: uuid(),
    sessionId: uuid(),
    ipAddress: text(),
    userAgent: text(),
    detail: text(),
    createdAt: instant().notNull(),
  },
  (table) => [index('audit_events_user_id_index').on(table.userId, table.id)],
);
