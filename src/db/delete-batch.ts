/** Deletes expired rows in batches, so a clean-up locks few rows at a time. */
import { and, inArray, type SQL } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Executor } from './database.js';

/**
 * Deletes up to `limit` rows that match, skipping locked ones.
 * @param id the primary key, or a column that identifies few rows
 * @returns how many were deleted
 */
export async function deleteBatch(
  executor: Executor,
  table: PgTable,
  id: PgColumn,
  condition: SQL | undefined,
  limit: number,
): Promise<number> {
  const batch = executor.select({ id }).from(table).where(condition).limit(limit).for('update', { skipLocked: true });
  const deleted = await executor
    .delete(table)
    .where(and(inArray(id, batch), condition))
    .returning({ id });
  return deleted.length;
}
