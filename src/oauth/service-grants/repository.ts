/** SQL of the tokens of client credentials: each is a row with its own end. */
import { and, eq, gt, inArray, isNull, lt } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { oauthClients, oauthServiceGrants, serviceAccounts } from '../../db/schema/index.js';

export type ServiceGrantRow = typeof oauthServiceGrants.$inferSelect;

/** A grant with what its tokens depend on. */
export interface ServiceGrant {
  readonly id: string;
  readonly clientId: string;
  readonly serviceAccountId: string;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  /** The name and the scopes of the service account at this moment. */
  readonly name: string;
  readonly scopes: string[];
  /** Whether the client and the service account are enabled. */
  readonly isEnabled: boolean;
}

/** @param executor the database, or one transaction of it */
export function createServiceGrantRepository(executor: Executor) {
  return {
    /** The enabled service account, locked against changes until the end of the transaction. */
    async lockServiceAccount(id: string): Promise<{ readonly id: string; readonly scopes: string[] } | undefined> {
      const [row] = await executor
        .select({ id: serviceAccounts.id, scopes: serviceAccounts.scopes })
        .from(serviceAccounts)
        .where(and(eq(serviceAccounts.id, id), isNull(serviceAccounts.disabledAt)))
        .for('share');
      return row;
    },

    async insert(grant: ServiceGrantRow): Promise<void> {
      await executor.insert(oauthServiceGrants).values(grant);
    },

    /** Grants by id, for authentication. */
    async find(ids: readonly string[]): Promise<ServiceGrant[]> {
      const rows = await executor
        .select({ grant: oauthServiceGrants, account: serviceAccounts, clientDisabledAt: oauthClients.disabledAt })
        .from(oauthServiceGrants)
        .innerJoin(serviceAccounts, eq(serviceAccounts.id, oauthServiceGrants.serviceAccountId))
        .innerJoin(oauthClients, eq(oauthClients.id, oauthServiceGrants.clientId))
        .where(inArray(oauthServiceGrants.id, [...ids]));
      return rows.map(
        ({ grant: { id, clientId, serviceAccountId, expiresAt, endedAt }, account, clientDisabledAt }) => ({
          id,
          clientId,
          serviceAccountId,
          expiresAt,
          endedAt,
          name: account.name,
          scopes: account.scopes,
          isEnabled: account.disabledAt === null && clientDisabledAt === null,
        }),
      );
    },

    /** Ends a live grant of the client; returns its service account, undefined if there was none. */
    async end(id: string, clientId: string, now: Date): Promise<string | undefined> {
      const [ended] = await executor
        .update(oauthServiceGrants)
        .set({ endedAt: now })
        .where(
          and(
            eq(oauthServiceGrants.id, id),
            eq(oauthServiceGrants.clientId, clientId),
            isNull(oauthServiceGrants.endedAt),
            gt(oauthServiceGrants.expiresAt, now),
          ),
        )
        .returning({ serviceAccountId: oauthServiceGrants.serviceAccountId });
      return ended?.serviceAccountId;
    },

    /** Deletes up to `limit` grants that expired before `moment`, skipping locked rows. */
    deleteOver(moment: Date, limit: number): Promise<number> {
      return deleteBatch(
        executor,
        oauthServiceGrants,
        oauthServiceGrants.id,
        lt(oauthServiceGrants.expiresAt, moment),
        limit,
      );
    },
  };
}
