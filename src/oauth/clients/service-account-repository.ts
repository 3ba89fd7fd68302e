/** SQL of the service accounts that client credentials stand for. */
import { eq } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { serviceAccounts } from '../../db/schema/index.js';

/** @param executor the database, or one transaction of it */
export function createClientAccountRepository(executor: Executor) {
  return {
    async exists(id: string): Promise<boolean> {
      const rows = await executor
        .select({ id: serviceAccounts.id })
        .from(serviceAccounts)
        .where(eq(serviceAccounts.id, id));
      return rows.length > 0;
    },

    async insert(account: typeof serviceAccounts.$inferInsert): Promise<void> {
      await executor.insert(serviceAccounts).values(account);
    },

    async delete(id: string): Promise<void> {
      await executor.delete(serviceAccounts).where(eq(serviceAccounts.id, id));
    },
  };
}
