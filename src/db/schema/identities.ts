/** Identities at other providers with which people sign in, and the sign-ins that are under way. */
import { foreignKey, index, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { instant } from './columns.js';
import { users } from './users.js';

export const identities = pgTable(
  'identities',
  {
    id: uuid().primaryKey(),
    userId: uuid().notNull(),
    /** The id of the provider in the configuration. */
    provider: text().notNull(),
    /** Issuer and subject are the key. Neither an email address nor a username ever is. */
    issuer: text().notNull(),
    subject: text().notNull(),
    /** As the provider last had it, for the owner to recognise the identity. */
    displayName: text(),
    createdAt: instant().notNull(),
    lastUsedAt: instant(),
  },
  (table) => [
    unique('identities_issuer_subject_unique').on(table.issuer, table.subject),
    index('identities_user_id_index').on(table.userId),
    foreignKey({ name: 'identities_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);

/** Deleted when it is finished, so it is finished once. Only hashes of its tokens are stored. */
export const identityFlows = pgTable(
  'identity_flows',
  {
    /** SHA-256 in base64url of the token in the address that starts it. */
    flowHash: text().primaryKey(),
    purpose: text({ enum: ['login', 'link', 'authorize'] }).notNull(),
    /** The id of the provider in the configuration. */
    provider: text().notNull(),
    /** Where the browser goes afterwards. */
    returnTo: text().notNull(),
    /** PKCE challenge (S256) of the client that started it; null if it sent none. */
    codeChallenge: text(),
    /** The account and the session that link an identity; null for a sign-in. */
    userId: uuid(),
    sessionId: uuid(),
    /** SHA-256 of the cookie of the browser that opened the address; null until then. */
    browserHash: text(),
    /** SHA-256 of the state of the redirect to the provider; null until then, and after the callback. */
    stateHash: text(),
    /** What the provider's protocol needs at the callback. Null before the redirect and after the callback. */
    parameters: jsonb().$type<Readonly<Record<string, string>>>(),
    /** Who came back from the provider. Null until then. */
    profile: jsonb().$type<Readonly<Record<string, string | null>>>(),
    /** SHA-256 of the code with which the client finishes; null until the person came back. */
    codeHash: text(),
    createdAt: instant().notNull(),
    /** Of the whole flow, and then of the code. */
    expiresAt: instant().notNull(),
  },
  (table) => [
    unique('identity_flows_state_hash_unique').on(table.stateHash),
    unique('identity_flows_code_hash_unique').on(table.codeHash),
    index('identity_flows_expires_at_index').on(table.expiresAt),
    index('identity_flows_user_id_index').on(table.userId),
    foreignKey({ name: 'identity_flows_user_id_fk', columns: [table.userId], foreignColumns: [users.id] }).onDelete(
      'cascade',
    ),
  ],
);
