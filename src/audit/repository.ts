/** SQL of the audit log. */
import { and, desc, eq, gte, inArray, lt, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { auditEvents } from '../db/schema/index.js';
import { rowParams, statement } from '../db/statement.js';
import type { PageRequest } from '../lib/paging.js';
import type { AuditRecord } from './event.js';

const insertEvent = statement(undefined, (executor) => executor.insert(auditEvents).values(rowParams(auditEvents)));

/** @param executor the database, or one transaction of it */
export function createAuditRepository(executor: Executor) {
  return {
    /** Adds one event. */
    async insert(event: AuditRecord): Promise<void> {
      await insertEvent(executor, { ...event });
    },

    /** A page of events, newest first. Uses the primary key, or the index on one account's events. */
    async list({ limit, afterId }: PageRequest, userId: string | null | undefined): Promise<AuditRecord[]> {
      return executor
        .select()
        .from(auditEvents)
        .where(
          and(
            userId == null ? undefined : eq(auditEvents.userId, userId),
            afterId === undefined ? undefined : lt(auditEvents.id, afterId),
          ),
        )
        .orderBy(desc(auditEvents.id))
        .limit(limit);
    },

    /** The events with these ids, in any order. Unknown ids are ignored. */
    async findMany(ids: readonly string[]): Promise<AuditRecord[]> {
      return executor
        .select()
        .from(auditEvents)
        .where(inArray(auditEvents.id, [...ids]));
    },

    /** Events since an id, oldest first. By id, because the BRIN index on times may not cover the newest rows yet. */
    async findSince(
      firstId: string,
      limit: number,
      userIds?: readonly string[],
    ): Promise<Pick<AuditRecord, 'id' | 'userId'>[]> {
      return executor
        .select({ id: auditEvents.id, userId: auditEvents.userId })
        .from(auditEvents)
        .where(and(gte(auditEvents.id, firstId), userIds && inArray(auditEvents.userId, [...userIds])))
        .orderBy(auditEvents.id)
        .limit(limit);
    },

    /**
     * Clears IP address, user agent and detail of the events about an account. Events that the account caused on other
     * accounts keep their detail, which belongs to those accounts.
     */
    async anonymise(userId: string): Promise<void> {
      const nothing = { ipAddress: null, userAgent: null };
      await executor
        .update(auditEvents)
        .set({ ...nothing, detail: null })
        .where(eq(auditEvents.userId, userId));
      await executor
        .update(auditEvents)
        .set(nothing)
        .where(and(eq(auditEvents.actorId, userId), sql`${auditEvents.actorId} <> ${auditEvents.userId}`));
    },

    /** Deletes up to `limit` events older than `moment`. */
    async deleteBefore(moment: Date, limit: number): Promise<number> {
      const old = executor
        .select({ id: auditEvents.id })
        .from(auditEvents)
        .where(lt(auditEvents.createdAt, moment))
        .limit(limit);
      const deleted = await executor
        .delete(auditEvents)
        .where(inArray(auditEvents.id, old))
        .returning({ id: auditEvents.id });
      return deleted.length;
    },
  };
}
