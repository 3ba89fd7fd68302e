/** SQL of changes of email addresses and usernames. */
import { and, asc, eq, gt, gte, inArray, isNotNull, isNull, lte, ne } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { identifierChanges } from '../db/schema/index.js';

export type IdentifierChange = typeof identifierChanges.$inferSelect;
export type IdentifierKind = IdentifierChange['kind'];

/** @param executor the database, or one transaction of it */
export function createChangeRepository(executor: Executor) {
  const inEffect = (now: Date) =>
    and(
      isNotNull(identifierChanges.appliedAt),
      isNull(identifierChanges.cancelledAt),
      gt(identifierChanges.expiresAt, now),
    );
  return {
    async insert(change: typeof identifierChanges.$inferInsert): Promise<void> {
      await executor.insert(identifierChanges).values(change);
    },

    /** An unexpired change, cancelled or not. */
    async find(id: string, now: Date): Promise<IdentifierChange | undefined> {
      const [row] = await executor
        .select()
        .from(identifierChanges)
        .where(and(eq(identifierChanges.id, id), gt(identifierChanges.expiresAt, now)));
      return row;
    },

    /** Cancels a change. One of several concurrent callers gets the row. */
    async cancel(id: string, now: Date): Promise<IdentifierChange | undefined> {
      const [row] = await executor
        .update(identifierChanges)
        .set({ cancelledAt: now })
        .where(
          and(
            eq(identifierChanges.id, id),
            isNull(identifierChanges.cancelledAt),
            gt(identifierChanges.expiresAt, now),
          ),
        )
        .returning();
      return row;
    },

    /** Cancels all changes of an account since `since`. */
    async cancelSince(userId: string, since: Date, now: Date): Promise<void> {
      await executor
        .update(identifierChanges)
        .set({ cancelledAt: now })
        .where(
          and(
            eq(identifierChanges.userId, userId),
            gte(identifierChanges.createdAt, since),
            isNull(identifierChanges.cancelledAt),
          ),
        );
    },

    /** The effective changes of an account since `since`, oldest first. */
    async listInEffect(userId: string, since: Date, now: Date): Promise<IdentifierChange[]> {
      return executor
        .select()
        .from(identifierChanges)
        .where(and(eq(identifierChanges.userId, userId), gte(identifierChanges.createdAt, since), inEffect(now)))
        .orderBy(asc(identifierChanges.createdAt), asc(identifierChanges.id));
    },

    /** Records a password change in all effective changes of an account. */
    async recordPasswordChange(userId: string, now: Date): Promise<void> {
      await executor
        .update(identifierChanges)
        .set({ passwordChangedAt: now })
        .where(and(eq(identifierChanges.userId, userId), inEffect(now)));
    },

    /** The normalised values that are reserved for accounts other than `exceptId`. */
    async listReserved(keys: readonly string[], now: Date, exceptId?: string) {
      if (keys.length === 0) return [];
      return executor
        .select({ kind: identifierChanges.kind, key: identifierChanges.previousKey })
        .from(identifierChanges)
        .where(
          and(
            inArray(identifierChanges.previousKey, [...keys]),
            inEffect(now),
            exceptId === undefined ? undefined : ne(identifierChanges.userId, exceptId),
          ),
        );
    },

    /** Deletes up to `limit` expired rows, skipping locked ones. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, identifierChanges, identifierChanges.id, lte(identifierChanges.expiresAt, now), limit),
  };
}
