/** Unused recovery codes. A used code is deleted. Only their hashes are stored. */
import { foreignKey, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    userId: uuid().notNull(),
    /** SHA-256 in base64url. */
    codeHash: text().notNull(),
    createdAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'recovery_codes_pk', columns: [table.userId, table.codeHash] }),
    foreignKey({ name: 'recovery_codes_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);
