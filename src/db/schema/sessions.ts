/**
 * Sessions. A row is a refresh-token family: the current token has the number `generation`, its immediate predecessor
 * `generation - 1`. No token is stored, so a dump contains none.
 */
import { sql } from 'drizzle-orm';
import { boolean, foreignKey, index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const sessions = pgTable(
  'sessions',
  {
    id: uuid().primaryKey(),
    userId: uuid().notNull(),
    /** The OAuth client of the session; null for a first-party session. */
    clientId: text(),
    /** The scopes that were granted to the client; null for a first-party session. */
    scopes: text().array(),
    /** The resources (RFC 8707) that were granted to the client; null for a first-party session. */
    resources: text().array(),
    /** The browser session in which the client was authorized: the claim `sid` of its ID tokens. Null for a first-party session. */
    browserSessionId: uuid(),
    generation: integer().notNull().default(0),
    rotatedAt: instant().notNull(),
    rememberMe: boolean().notNull().default(false),
    createdAt: instant().notNull(),
    /** The last authentication of the person. A refresh does not change it. The default is for older releases. */
    authenticatedAt: instant().notNull().defaultNow(),
    /** Methods of the authentication: values of RFC 8176, or `email` for a mailed link. Empty for sessions of older releases. */
    amr: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** Access tokens with a lower number are refused. */
    accessEpoch: integer().notNull().default(0),
    lastUsedAt: instant().notNull(),
    expiresAt: instant().notNull(),
    endedAt: instant(),
    ipAddress: text(),
    userAgent: text(),
  },
  (table) => [
    foreignKey({ name: 'sessions_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    index('sessions_user_id_index').on(table.userId),
    index('sessions_client_id_index')
      .on(table.clientId)
      .where(sql`${table.clientId} is not null`),
    index('sessions_browser_session_id_index')
      .on(table.browserSessionId)
      .where(sql`${table.browserSessionId} is not null`),
    index('sessions_expires_at_index').on(table.expiresAt),
    index('sessions_ended_at_index')
      .on(table.endedAt)
      .where(sql`${table.endedAt} is not null`),
  ],
);
