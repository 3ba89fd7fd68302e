/** Authenticator apps (RFC 6238). Secrets are encrypted. An account has at most one authenticator app. */
import { bigint, foreignKey, index, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

/** Enrolments that no code has confirmed yet. They do not count as a factor. */
export const totpEnrollments = pgTable(
  'totp_enrollments',
  {
    userId: uuid().primaryKey(),
    /** Encrypted. */
    secret: text().notNull(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    index('totp_enrollments_expires_at_index').on(table.expiresAt),
    foreignKey({ name: 'totp_enrollments_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);

export const totpFactors = pgTable(
  'totp_factors',
  {
    userId: uuid().primaryKey(),
    /** Encrypted. */
    secret: text().notNull(),
    /** The time step of the last accepted code. Codes of this and earlier steps are rejected. */
    lastStep: bigint({ mode: 'number' }).notNull(),
    createdAt: instant().notNull(),
    lastUsedAt: instant(),
  },
  (table) => [
    foreignKey({ name: 'totp_factors_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);
