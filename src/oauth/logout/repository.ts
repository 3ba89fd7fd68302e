/** SQL of logout notices: logout tokens that wait to be sent. */
import { and, eq, getTableColumns, inArray, isNotNull, isNull, lte, sql, type SQL } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { v7 as uuidv7 } from 'uuid';
import type { Executor } from '../../db/database.js';
import { oauthClients, oauthLogoutNotices, sessions } from '../../db/schema/index.js';

export type LogoutNotice = typeof oauthLogoutNotices.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createLogoutRepository(executor: Executor) {
  const grants = alias(sessions, 'grants');
  const browsers = alias(sessions, 'browsers');

  /** Stores one notice for each client and browser session of the grants, if the client has an address for it. */
  async function insert(
    rows: readonly { clientId: string | null; sessionId: string | null }[],
    userId: string,
    now: Date,
  ) {
    const notices = rows.flatMap(({ clientId, sessionId }) =>
      clientId === null || sessionId === null
        ? []
        : [{ id: uuidv7(), clientId, sessionId, userId, createdAt: now, nextAttemptAt: now }],
    );
    if (notices.length > 0) await executor.insert(oauthLogoutNotices).values(notices);
  }
  const columns = { clientId: grants.clientId, sessionId: grants.browserSessionId };
  const hasAddress = (): SQL | undefined =>
    and(isNotNull(oauthClients.backchannelLogoutUri), isNull(oauthClients.disabledAt));

  return {
    /** For the browser sessions of an account that ended exactly at `endedAt`. */
    async insertOfEnded(userId: string, endedAt: Date): Promise<void> {
      const rows = await executor
        .selectDistinct(columns)
        .from(browsers)
        .innerJoin(grants, eq(grants.browserSessionId, browsers.id))
        .innerJoin(oauthClients, eq(oauthClients.id, grants.clientId))
        .where(
          and(eq(browsers.userId, userId), eq(browsers.endedAt, endedAt), eq(grants.userId, userId), hasAddress()),
        );
      await insert(rows, userId, endedAt);
    },

    /** For the grants of a client that ended exactly at `endedAt`. */
    async insertOfRevoked(clientId: string, userId: string, endedAt: Date): Promise<void> {
      const rows = await executor
        .selectDistinct(columns)
        .from(grants)
        .innerJoin(oauthClients, eq(oauthClients.id, grants.clientId))
        .where(
          and(eq(grants.clientId, clientId), eq(grants.userId, userId), eq(grants.endedAt, endedAt), hasAddress()),
        );
      await insert(rows, userId, endedAt);
    },

    /** Leases up to `limit` due notices, oldest first. They become due again at `leasedUntil` if the sender dies. */
    async claim(now: Date, leasedUntil: Date, limit: number): Promise<LogoutNotice[]> {
      const due = executor
        .select({ id: oauthLogoutNotices.id })
        .from(oauthLogoutNotices)
        .where(lte(oauthLogoutNotices.nextAttemptAt, now))
        .orderBy(oauthLogoutNotices.nextAttemptAt)
        .limit(limit)
        .for('update', { skipLocked: true });
      return executor
        .update(oauthLogoutNotices)
        .set({ attempts: sql`${oauthLogoutNotices.attempts} + 1`, nextAttemptAt: leasedUntil })
        .where(inArray(oauthLogoutNotices.id, due))
        .returning(getTableColumns(oauthLogoutNotices));
    },

    async postpone(id: string, nextAttemptAt: Date): Promise<void> {
      await executor.update(oauthLogoutNotices).set({ nextAttemptAt }).where(eq(oauthLogoutNotices.id, id));
    },

    async delete(id: string): Promise<void> {
      await executor.delete(oauthLogoutNotices).where(eq(oauthLogoutNotices.id, id));
    },
  };
}
