/** SQL of the email outbox. */
import { eq, getTableColumns, inArray, lte, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { mailOutbox } from '../db/schema/index.js';

export type OutboxRow = typeof mailOutbox.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createOutboxRepository(executor: Executor) {
  return {
    async insert(row: typeof mailOutbox.$inferInsert): Promise<void> {
      await executor.insert(mailOutbox).values(row);
    },

    /**
     * Leases up to `limit` due messages, oldest first. Other senders skip them until `leasedUntil`; if this sender dies,
     * they become due again at that time.
     */
    async claim(now: Date, leasedUntil: Date, limit: number): Promise<OutboxRow[]> {
      const due = executor
        .select({ id: mailOutbox.id })
        .from(mailOutbox)
        .where(lte(mailOutbox.nextAttemptAt, now))
        .orderBy(mailOutbox.nextAttemptAt)
        .limit(limit)
        .for('update', { skipLocked: true });
      return executor
        .update(mailOutbox)
        .set({ attempts: sql`${mailOutbox.attempts} + 1`, nextAttemptAt: leasedUntil })
        .where(inArray(mailOutbox.id, due))
        .returning(getTableColumns(mailOutbox));
    },

    async postpone(id: string, nextAttemptAt: Date): Promise<void> {
      await executor.update(mailOutbox).set({ nextAttemptAt }).where(eq(mailOutbox.id, id));
    },

    async delete(id: string): Promise<void> {
      await executor.delete(mailOutbox).where(eq(mailOutbox.id, id));
    },

    async deleteOf(userId: string): Promise<void> {
      await executor.delete(mailOutbox).where(eq(mailOutbox.userId, userId));
    },
  };
}
