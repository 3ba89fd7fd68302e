/** Service accounts: principals that are no person. They have API keys and client credentials, and no sessions. */
import { pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const serviceAccounts = pgTable('service_accounts', {
  id: uuid().primaryKey(),
  name: text().notNull(),
  scopes: text().array().notNull(),
  createdAt: instant().notNull(),
  updatedAt: instant().notNull(),
  disabledAt: instant(),
});
