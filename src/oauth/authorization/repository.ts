/** SQL of authorization requests that wait for a person, and of consents. */
import { and, eq, gt, lte, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { oauthConsents, oauthRequests } from '../../db/schema/index.js';

export type RequestRow = typeof oauthRequests.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createAuthorizationRepository(executor: Executor) {
  const usable = (requestHash: string, browserHash: string, now: Date) =>
    and(
      eq(oauthRequests.requestHash, requestHash),
      eq(oauthRequests.browserHash, browserHash),
      gt(oauthRequests.expiresAt, now),
    );
  return {
    async insert(request: RequestRow): Promise<void> {
      await executor.insert(oauthRequests).values(request);
    },

    async find(requestHash: string, now: Date): Promise<RequestRow | undefined> {
      const [row] = await executor
        .select()
        .from(oauthRequests)
        .where(and(eq(oauthRequests.requestHash, requestHash), gt(oauthRequests.expiresAt, now)));
      return row;
    },

    /** Records the browser session that the person opened for the request. False if it was answered meanwhile. */
    async recordSignIn(requestHash: string, browserHash: string, sessionId: string, now: Date): Promise<boolean> {
      const rows = await executor
        .update(oauthRequests)
        .set({ parameters: sql`${oauthRequests.parameters} || jsonb_build_object('signedInBy', ${sessionId}::text)` })
        .where(usable(requestHash, browserHash, now))
        .returning({ requestHash: oauthRequests.requestHash });
      return rows.length > 0;
    },

    /** Consumes a request atomically: one of several concurrent answers gets true. */
    async take(requestHash: string, browserHash: string, now: Date): Promise<boolean> {
      const rows = await executor
        .delete(oauthRequests)
        .where(usable(requestHash, browserHash, now))
        .returning({ requestHash: oauthRequests.requestHash });
      return rows.length > 0;
    },

    /** Deletes up to `limit` expired requests, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, oauthRequests, oauthRequests.requestHash, lte(oauthRequests.expiresAt, now), limit),

    /** The scopes that the person granted to the client; none without a consent. */
    async consentedScopes(userId: string, clientId: string): Promise<readonly string[]> {
      const [row] = await executor
        .select({ scopes: oauthConsents.scopes })
        .from(oauthConsents)
        .where(and(eq(oauthConsents.userId, userId), eq(oauthConsents.clientId, clientId)));
      return row?.scopes ?? [];
    },

    /** Adds scopes to what the person granted to the client. */
    async addConsent(userId: string, clientId: string, scopes: readonly string[], now: Date): Promise<void> {
      const added = { userId, clientId, scopes: [...scopes], createdAt: now, updatedAt: now };
      await executor
        .insert(oauthConsents)
        .values(added)
        .onConflictDoUpdate({
          target: [oauthConsents.userId, oauthConsents.clientId],
          set: {
            scopes: sql`array(select distinct scope from unnest(${oauthConsents.scopes} || excluded.scopes) as scope order by scope)`,
            updatedAt: now,
          },
        });
    },
  };
}
