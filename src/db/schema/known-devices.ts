/** Browsers from which an account logged in. Their login attempts have a separate rate limit. */
import { foreignKey, index, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

/** The accounts of one browser share the token of its cookie. */
export const knownDevices = pgTable(
  'known_devices',
  {
    userId: uuid().notNull(),
    /** SHA-256 in base64url of 256 random bits, which need no salt. */
    tokenHash: text().notNull(),
    createdAt: instant().notNull(),
    lastUsedAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'known_devices_pk', columns: [table.userId, table.tokenHash] }),
    foreignKey({ name: 'known_devices_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
    index('known_devices_token_hash_index').on(table.tokenHash),
    index('known_devices_expires_at_index').on(table.expiresAt),
  ],
);
