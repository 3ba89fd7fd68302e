/** Keys that sign access tokens. The private half is encrypted under a key derived from AUTH_SECRET. */
import { integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const signingKeys = pgTable('signing_keys', {
  kid: text().primaryKey(),
  algorithm: text({ enum: ['EdDSA', 'ES256', 'PS256', 'RS256'] }).notNull(),
  /** RFC 7517; what the JWKS publishes. */
  publicJwk: jsonb().$type<Record<string, unknown>>().notNull(),
  /** Empty once the key is retired: it never signs again. */
  encryptedPrivateKey: text().notNull(),
  createdAt: instant().notNull(),
  /** The longest lifetime of the tokens it may have signed, in milliseconds; raised by each instance that starts. */
  longestTokenMs: integer().notNull().default(0),
  /** When a newer key took over; it still verifies until `expiresAt`. Null for the current one. */
  retiredAt: instant(),
  /** When the last token it signed has run out. Null for the current one. */
  expiresAt: instant(),
});
