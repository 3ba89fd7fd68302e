/** SQL of authenticator apps and their enrolments. */
import { and, eq, gt, lt, lte } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { totpEnrollments, totpFactors } from '../../db/schema/index.js';

export type TotpRow = typeof totpFactors.$inferSelect;
export type EnrollmentRow = typeof totpEnrollments.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createTotpRepository(executor: Executor) {
  return {
    /** Stores an enrolment in place of an earlier one. */
    async upsertEnrollment(row: EnrollmentRow): Promise<void> {
      const { userId: target } = totpEnrollments;
      await executor.insert(totpEnrollments).values(row).onConflictDoUpdate({ target, set: row });
    },

    async findEnrollment(userId: string, now: Date): Promise<EnrollmentRow | undefined> {
      const [row] = await executor
        .select()
        .from(totpEnrollments)
        .where(and(eq(totpEnrollments.userId, userId), gt(totpEnrollments.expiresAt, now)));
      return row;
    },

    /** Consumes an enrolment atomically. False if it was consumed or replaced meanwhile. */
    async takeEnrollment({ userId, secret }: EnrollmentRow): Promise<boolean> {
      const rows = await executor
        .delete(totpEnrollments)
        .where(and(eq(totpEnrollments.userId, userId), eq(totpEnrollments.secret, secret)))
        .returning({ userId: totpEnrollments.userId });
      return rows.length > 0;
    },

    /** Deletes up to `limit` expired enrolments, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, totpEnrollments, totpEnrollments.userId, lte(totpEnrollments.expiresAt, now), limit),

    /** Stores an authenticator app in place of an earlier one. */
    async upsert(row: TotpRow): Promise<void> {
      await executor.insert(totpFactors).values(row).onConflictDoUpdate({ target: totpFactors.userId, set: row });
    },

    async find(userId: string): Promise<TotpRow | undefined> {
      const [row] = await executor.select().from(totpFactors).where(eq(totpFactors.userId, userId));
      return row;
    },

    /**
     * Accepts a time step. False if it or a later one was accepted before, or if the app was replaced: one of several concurrent
     * calls with the same code succeeds.
     * @param secret encrypted anew
     */
    async acceptStep({ userId, createdAt }: TotpRow, step: number, secret: string, now: Date): Promise<boolean> {
      const rows = await executor
        .update(totpFactors)
        .set({ lastStep: step, lastUsedAt: now, secret })
        .where(
          and(eq(totpFactors.userId, userId), eq(totpFactors.createdAt, createdAt), lt(totpFactors.lastStep, step)),
        )
        .returning({ userId: totpFactors.userId });
      return rows.length > 0;
    },

    /** False if the account has no authenticator app. */
    async delete(userId: string): Promise<boolean> {
      const rows = await executor
        .delete(totpFactors)
        .where(eq(totpFactors.userId, userId))
        .returning({ userId: totpFactors.userId });
      return rows.length > 0;
    },
  };
}
