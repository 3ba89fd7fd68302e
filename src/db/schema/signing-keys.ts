/** Keys that sign access tokens and ID tokens. The private key is encrypted with a key derived from AUTH_SECRET. */
import { integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';

export const signingKeys = pgTable('signing_keys', {
  kid: text().primaryKey(),
  /** What it signs: access tokens, or ID tokens and logout tokens. */
  purpose: text({ enum: ['access', 'id'] })
    .notNull()
    .default('access'),
  algorithm: text({ enum: ['EdDSA', 'ES256', 'PS256', 'RS256'] }).notNull(),
  /** The JWK (RFC 7517) that the JWKS publishes. */
  publicJwk: jsonb().$type<Record<string, unknown>>().notNull(),
  /** Empty after the key is retired: it signs no more tokens. */
  encryptedPrivateKey: text().notNull(),
  createdAt: instant().notNull(),
  /** The longest lifetime of the tokens it may have signed, in milliseconds; raised by each instance that starts. */
  longestTokenMs: integer().notNull().default(0),
  /** When a newer key replaced it. It verifies tokens until `expiresAt`. Null for the current key. */
  retiredAt: instant(),
  /** When the last token that it signed expires. Null for the current key. */
  expiresAt: instant(),
});
