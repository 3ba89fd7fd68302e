/** SQL of recovery codes. */
import { and, count, eq } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { recoveryCodes } from '../../db/schema/index.js';

/** @param executor the database, or one transaction of it */
export function createRecoveryCodeRepository(executor: Executor) {
  return {
    /** Replaces the codes of an account. */
    async replace(userId: string, hashes: readonly string[], createdAt: Date): Promise<void> {
      await executor.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId));
      await executor.insert(recoveryCodes).values(hashes.map((codeHash) => ({ userId, codeHash, createdAt })));
    },

    async count(userId: string): Promise<number> {
      const [row] = await executor
        .select({ codes: count() })
        .from(recoveryCodes)
        .where(eq(recoveryCodes.userId, userId));
      return row!.codes;
    },

    /** Consumes a code atomically: one of several concurrent calls succeeds. */
    async take(userId: string, codeHash: string): Promise<boolean> {
      const rows = await executor
        .delete(recoveryCodes)
        .where(and(eq(recoveryCodes.userId, userId), eq(recoveryCodes.codeHash, codeHash)))
        .returning({ userId: recoveryCodes.userId });
      return rows.length > 0;
    },
  };
}
