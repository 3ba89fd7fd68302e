/** SQL that voids what a client has not used yet: requests, codes and device codes; and that ends its service grants. */
import { and, eq, gt, isNull, sql, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Executor } from '../../db/database.js';
import { oauthCodes, oauthDeviceCodes, oauthRequests, oauthServiceGrants } from '../../db/schema/index.js';

/** What to void. Filters that are left out match all. */
export interface PendingFilter {
  readonly clientId: string;
  /** Of one person. */
  readonly userId?: string;
  /** Only what asks for other scopes than these. */
  readonly beyond?: readonly string[];
}

const wider = (column: PgColumn, scopes: readonly string[] | undefined): SQL | undefined =>
  scopes && sql`not ${column} <@ ${sql.param([...scopes], column)}::text[]`;

/** @param executor a transaction */
export function createPendingRepository(executor: Executor) {
  return {
    /** Deletes the authorization requests that wait for a person. */
    async deleteRequests(clientId: string): Promise<void> {
      await executor.delete(oauthRequests).where(eq(oauthRequests.clientId, clientId));
    },

    /** Deletes unused codes and device codes; returns how many. Used ones stay, to detect reuse. */
    async deleteCodes({ clientId, userId, beyond }: PendingFilter): Promise<number> {
      const deleted = await executor
        .delete(oauthCodes)
        .where(
          and(
            eq(oauthCodes.clientId, clientId),
            userId === undefined ? undefined : eq(oauthCodes.userId, userId),
            wider(oauthCodes.scopes, beyond),
            isNull(oauthCodes.usedAt),
          ),
        )
        .returning({ clientId: oauthCodes.clientId });
      const devices = await executor
        .delete(oauthDeviceCodes)
        .where(
          and(
            eq(oauthDeviceCodes.clientId, clientId),
            userId === undefined ? undefined : eq(oauthDeviceCodes.userId, userId),
            wider(oauthDeviceCodes.scopes, beyond),
            isNull(oauthDeviceCodes.usedAt),
          ),
        )
        .returning({ clientId: oauthDeviceCodes.clientId });
      return deleted.length + devices.length;
    },

    /** Ends live grants of client credentials; returns their service accounts. */
    async endServiceGrants(
      now: Date,
      { clientId, beyond }: Omit<PendingFilter, 'userId'>,
    ): Promise<{ readonly serviceAccountId: string }[]> {
      return executor
        .update(oauthServiceGrants)
        .set({ endedAt: now })
        .where(
          and(
            eq(oauthServiceGrants.clientId, clientId),
            wider(oauthServiceGrants.scopes, beyond),
            isNull(oauthServiceGrants.endedAt),
            gt(oauthServiceGrants.expiresAt, now),
          ),
        )
        .returning({ serviceAccountId: oauthServiceGrants.serviceAccountId });
    },
  };
}
