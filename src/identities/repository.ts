/** SQL of identities. */
import { and, asc, eq, gte } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { identities } from '../db/schema/index.js';

export type IdentityRow = typeof identities.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createIdentityRepository(executor: Executor) {
  return {
    async find(issuer: string, subject: string): Promise<IdentityRow | undefined> {
      const [row] = await executor
        .select()
        .from(identities)
        .where(and(eq(identities.issuer, issuer), eq(identities.subject, subject)));
      return row;
    },

    /** Inserts an identity. False if an account has it, which may be the same account. */
    async insert(row: IdentityRow): Promise<boolean> {
      const rows = await executor.insert(identities).values(row).onConflictDoNothing().returning({ id: identities.id });
      return rows.length > 0;
    },

    /** Records what the provider said of the identity. @param lastUsedAt when it signed the person in; left out for no sign-in */
    async update(id: string, displayName: string | null, lastUsedAt?: Date): Promise<IdentityRow | undefined> {
      const changes = { displayName, ...(lastUsedAt ? { lastUsedAt } : {}) };
      const [row] = await executor.update(identities).set(changes).where(eq(identities.id, id)).returning();
      return row;
    },

    /** The identities of an account, oldest first. */
    list: (userId: string): Promise<IdentityRow[]> =>
      executor
        .select()
        .from(identities)
        .where(eq(identities.userId, userId))
        .orderBy(asc(identities.createdAt), asc(identities.id)),

    /** Deletes an identity of an account; undefined if it has no such identity. */
    async remove(id: string, userId: string): Promise<IdentityRow | undefined> {
      const [row] = await executor
        .delete(identities)
        .where(and(eq(identities.id, id), eq(identities.userId, userId)))
        .returning();
      return row;
    },

    /** Deletes the identities of an account that were linked since a time, or all; returns how many. */
    async removeSince(userId: string, since?: Date): Promise<number> {
      const rows = await executor
        .delete(identities)
        .where(and(eq(identities.userId, userId), since && gte(identities.createdAt, since)))
        .returning({ id: identities.id });
      return rows.length;
    },
  };
}
