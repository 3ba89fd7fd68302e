/** SQL of used client assertions. */
import { lt } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { oauthUsedAssertions } from '../../db/schema/index.js';

/** @param executor the database, or one transaction of it */
export function createAssertionRepository(executor: Executor) {
  return {
    /** Records the use of an assertion; false if it was used before. */
    async use(clientId: string, jtiHash: string, expiresAt: Date): Promise<boolean> {
      const used = await executor
        .insert(oauthUsedAssertions)
        .values({ clientId, jtiHash, expiresAt })
        .onConflictDoNothing()
        .returning({ jtiHash: oauthUsedAssertions.jtiHash });
      return used.length > 0;
    },

    /** Deletes up to `limit` assertions that expired before `moment`, skipping locked rows. */
    deleteOver(moment: Date, limit: number): Promise<number> {
      return deleteBatch(
        executor,
        oauthUsedAssertions,
        oauthUsedAssertions.jtiHash,
        lt(oauthUsedAssertions.expiresAt, moment),
        limit,
      );
    },
  };
}
