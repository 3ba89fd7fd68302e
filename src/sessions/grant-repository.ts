/** SQL of the grants of OAuth clients, which are sessions with a client. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { sessions } from '../db/schema/index.js';
import { liveAt } from './repository.js';

/**
 * @param executor the database, or one transaction of it
 * @param idleTtlMs idle timeout in milliseconds; undefined for none
 */
export function createGrantRepository(executor: Executor, idleTtlMs?: number) {
  return {
    /** Ends live grants; returns their ids and accounts. Filters that are left out match all. */
    async end(
      now: Date,
      filter: {
        readonly clientId: string;
        readonly userId?: string;
        readonly id?: string;
        readonly browserSessionId?: string;
      },
    ): Promise<{ readonly id: string; readonly userId: string }[]> {
      return executor
        .update(sessions)
        .set({ endedAt: now })
        .where(
          and(
            eq(sessions.clientId, filter.clientId),
            filter.userId === undefined ? undefined : eq(sessions.userId, filter.userId),
            filter.id === undefined ? undefined : eq(sessions.id, filter.id),
            filter.browserSessionId === undefined ? undefined : eq(sessions.browserSessionId, filter.browserSessionId),
            liveAt(now, idleTtlMs),
          ),
        )
        .returning({ id: sessions.id, userId: sessions.userId });
    },

    /**
     * Removes scopes from the grants of a client. Their access tokens are refused from the next request on; a refresh gives one
     * with the remaining scopes.
     */
    async narrow(
      clientId: string,
      allowed: readonly string[],
    ): Promise<{ readonly id: string; readonly userId: string }[]> {
      const permitted = sql`${sql.param([...allowed], sessions.scopes)}::text[]`;
      const scopes = sql`array(select scope from unnest(${sessions.scopes}) with ordinality as held (scope, position)
        where scope = any(${permitted}) order by position)`;
      return executor
        .update(sessions)
        .set({ scopes, accessEpoch: sql`${sessions.accessEpoch} + 1` })
        .where(
          and(eq(sessions.clientId, clientId), isNull(sessions.endedAt), sql`not ${sessions.scopes} <@ ${permitted}`),
        )
        .returning({ id: sessions.id, userId: sessions.userId });
    },
  };
}
