/** All SQL of changes of e-mail addresses and usernames. */
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

    /** A change that has not expired, cancelled or not. */
    async find(id: string, now: Date): Promise<IdentifierChange | undefined> {
      const [row] = await executor
        .select()
        .from(identifierChanges)
        .where(and(eq(identifierChanges.id, id), gt(identifierChanges.expiresAt, now)));
      return row;
    },

    /** Cancels one change. Of several callers at once, one gets the row. */
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

    /** Cancels an account's other changes since a moment. */
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

    /** An account's changes in effect since a moment, the oldest first. */
    async listInEffect(userId: string, since: Date, now: Date): Promise<IdentifierChange[]> {
      return executor
        .select()
        .from(identifierChanges)
        .where(and(eq(identifierChanges.userId, userId), gte(identifierChanges.createdAt, since), inEffect(now)))
        .orderBy(asc(identifierChanges.createdAt), asc(identifierChanges.id));
    },

    /** Notes that the password was changed after changes that are in effect. */
    async notePasswordChange(userId: string, now: Date): Promise<void> {
      await executor
        .update(identifierChanges)
        .set({ passwordChangedAt: now })
        .where(and(eq(identifierChanges.userId, userId), inEffect(now)));
    },

    /** Which of the normalised values are held for another account than `exceptId`. */
    async listHeld(keys: readonly string[], now: Date, exceptId?: string) {
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

    /** Removes up to `limit` that have expired, skipping rows that are locked. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, identifierChanges, identifierChanges.id, lte(identifierChanges.expiresAt, now), limit),
  };
}
