/** Passkeys (WebAuthn Level 3) and the challenges of their ceremonies. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const passkeys = pgTable(
  'passkeys',
  {
    id: uuid().primaryKey(),
    userId: uuid().notNull(),
    /** The credential id, in base64url. */
    credentialId: text().notNull(),
    /** The COSE public key, in base64url. */
    publicKey: text().notNull(),
    /** The signature counter of the last use. Synced passkeys stay at 0. */
    counter: bigint({ mode: 'number' }).notNull(),
    transports: text()
      .array()
      .notNull()
      .default(sql`'{}'`),
    /** Whether the authenticator syncs it between devices. */
    synced: boolean().notNull(),
    name: text().notNull(),
    createdAt: instant().notNull(),
    lastUsedAt: instant(),
  },
  (table) => [
    unique('passkeys_credential_id_unique').on(table.credentialId),
    index('passkeys_user_id_index').on(table.userId),
    foreignKey({ name: 'passkeys_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);

export const passkeyChallenges = pgTable(
  'passkey_challenges',
  {
    /** SHA-256 in base64url. */
    challengeHash: text().primaryKey(),
    purpose: text({ enum: ['registration', 'authentication'] }).notNull(),
    /** The account that may use it; null for a sign-in, whose account is not known yet. */
    userId: uuid(),
    /** The session that may use it; null for a sign-in. */
    sessionId: uuid(),
    createdAt: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    index('passkey_challenges_expires_at_index').on(table.expiresAt),
    index('passkey_challenges_user_id_index').on(table.userId),
    foreignKey({ name: 'passkey_challenges_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);
