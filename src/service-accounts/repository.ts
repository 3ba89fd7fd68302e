/** SQL of service accounts. */
import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { serviceAccounts } from '../db/schema/index.js';
import type { PageRequest } from '../lib/paging.js';
import type { ServiceAccountRecord } from './service-account.js';

/** @param executor the database, or one transaction of it */
export function createServiceAccountRepository(executor: Executor) {
  const is = (id: string) => eq(serviceAccounts.id, id);
  return {
    async insert(row: ServiceAccountRecord): Promise<void> {
      await executor.insert(serviceAccounts).values(row);
    },

    /** A page of service accounts, newest first; all, or those whose name starts with `prefix`, in any case. */
    async list({ limit, afterId }: PageRequest, prefix: string | undefined): Promise<ServiceAccountRecord[]> {
      return executor
        .select()
        .from(serviceAccounts)
        .where(
          and(
            prefix === undefined ? undefined : sql`starts_with(lower(${serviceAccounts.name}), lower(${prefix}))`,
            afterId === undefined ? undefined : lt(serviceAccounts.id, afterId),
          ),
        )
        .orderBy(desc(serviceAccounts.id))
        .limit(limit);
    },

    /** Reads a service account and locks it until the end of the transaction. */
    async lock(id: string): Promise<ServiceAccountRecord | undefined> {
      const [row] = await executor.select().from(serviceAccounts).where(is(id)).for('no key update');
      return row;
    },

    async update(id: string, changes: Partial<ServiceAccountRecord>): Promise<ServiceAccountRecord | undefined> {
      const [row] = await executor.update(serviceAccounts).set(changes).where(is(id)).returning();
      return row;
    },

    /** Deletes a service account with its keys and grants; false if there is none. */
    async remove(id: string): Promise<boolean> {
      const rows = await executor.delete(serviceAccounts).where(is(id)).returning({ id: serviceAccounts.id });
      return rows.length > 0;
    },
  };
}
