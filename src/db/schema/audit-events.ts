/** The audit log. An event is written in the transaction of the change that it records. */
import { sql } from 'drizzle-orm';
import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

/** No foreign keys: an event outlives the account and the session that it names. */
export const auditEvents = pgTable(
  'audit_events',
  {
    id: uuid().primaryKey(),
    type: text().notNull(),
    /** The account that the event concerns; null if there is none, such as for a login with an unknown name. */
    userId: uuid(),
    /** The account or service account that caused the event, if known. */
    actorId: uuid(),
    /** Null in events of older releases, whose actors are accounts. */
    actorKind: text({ enum: ['user', 'service-account'] }),
    sessionId: uuid(),
    /** The service account that the event concerns. */
    serviceAccountId: uuid(),
    /** The API key that the event concerns. */
    apiKeyId: uuid(),
    ipAddress: text(),
    userAgent: text(),
    detail: text(),
    createdAt: instant().notNull(),
  },
  (table) => [
    index('audit_events_user_id_index').on(table.userId, table.id),
    // Few rows: actions of administrators on other accounts.
    index('audit_events_actor_id_index')
      .on(table.actorId)
      .where(sql`${table.actorId} <> ${table.userId}`),
    // Rows are stored in the order of their time, so a small BRIN index finds the old ones.
    index('audit_events_created_at_index').using('brin', table.createdAt),
  ],
);
