/** All SQL of sessions. */
import { and, desc, eq, getTableColumns, gt, inArray, isNotNull, isNull, lt, ne, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { AccountRecord } from '../accounts/account.js';
import type { ClientInfo } from '../client-info.js';
import { accountColumns } from '../db/account-columns.js';
import type { Executor } from '../db/database.js';
import { sessions, users } from '../db/schema/index.js';
import type { SessionRecord } from './session.js';

/** A session together with its account, as one statement reads them. */
export interface SessionWithAccount {
  readonly session: SessionRecord;
  readonly account: AccountRecord;
}

const sessionColumns = getTableColumns(sessions);
const live = (now: Date) => and(isNull(sessions.endedAt), gt(sessions.expiresAt, now));
/** The row as it was before the statement changes it. */
const before = alias(sessions, 'before');

export type SessionRepository = ReturnType<typeof createSessionRepository>;

/** @param executor the database, or one transaction of it */
export function createSessionRepository(executor: Executor) {
  const rotation = (id: string, generation: number, { ipAddress, userAgent }: ClientInfo, now: Date) => ({
    set: { generation: generation + 1, rotatedAt: now, lastUsedAt: now, ipAddress, userAgent },
    where: and(
      eq(sessions.id, id),
      eq(sessions.generation, generation),
      live(now),
      eq(users.id, sessions.userId),
      isNull(users.disabledAt),
      isNull(users.deletedAt),
    ),
  });

  return {
    async insert(session: SessionRecord): Promise<void> {
      await executor.insert(sessions).values(session);
    },

    /**
     * Moves a live session of a usable account from `generation` to the next, when the client is where it was the last
     * time; undefined when nothing matched.
     */
    async rotate(
      id: string,
      generation: number,
      client: ClientInfo,
      now: Date,
    ): Promise<SessionWithAccount | undefined> {
      const { set, where } = rotation(id, generation, client, now);
      const [row] = await executor
        .update(sessions)
        .set(set)
        .from(users)
        .where(and(where, eq(sessions.ipAddress, client.ipAddress)))
        .returning({ session: sessionColumns, account: accountColumns });
      return row;
    },

    /** The same from any address; tells the one before. */
    async rotateAnywhere(
      id: string,
      generation: number,
      client: ClientInfo,
      now: Date,
    ): Promise<(SessionWithAccount & { readonly previousAddress: string | null }) | undefined> {
      const { set, where } = rotation(id, generation, client, now);
      const [row] = await executor
        .update(sessions)
        .set(set)
        .from(users)
        .innerJoin(before, eq(before.id, id))
        .where(where)
        .returning({ session: sessionColumns, account: accountColumns, previousAddress: before.ipAddress });
      return row;
    },

    /** Moves a live session past every token that is out: those given so far count as reused. Undefined when it ended. */
    async skipGeneration(id: string, client: ClientInfo, now: Date): Promise<SessionRecord | undefined> {
      const [row] = await executor
        .update(sessions)
        .set({
          generation: sql`${sessions.generation} + 2`,
          rotatedAt: now,
          lastUsedAt: now,
          ipAddress: client.ipAddress,
          userAgent: client.userAgent,
        })
        .where(and(eq(sessions.id, id), live(now)))
        .returning();
      return row;
    },

    async find(id: string): Promise<SessionWithAccount | undefined> {
      const [row] = await executor
        .select({ session: sessionColumns, account: accountColumns })
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .where(eq(sessions.id, id));
      return row;
    },

    /** Ends a live session, of this account if one is given; false when there was none. */
    async end(id: string, now: Date, userId?: string): Promise<boolean> {
      const ended = await executor
        .update(sessions)
        .set({ endedAt: now })
        .where(and(eq(sessions.id, id), userId === undefined ? undefined : eq(sessions.userId, userId), live(now)))
        .returning({ id: sessions.id });
      return ended.length > 0;
    },

    /** Ends the live sessions of an account, but one if it is given; returns how many. */
    async endAll(userId: string, now: Date, exceptId?: string): Promise<number> {
      const ended = await executor
        .update(sessions)
        .set({ endedAt: now })
        .where(
          and(eq(sessions.userId, userId), live(now), exceptId === undefined ? undefined : ne(sessions.id, exceptId)),
        )
        .returning({ id: sessions.id });
      return ended.length;
    },

    /** Notes a use of those that were last used before `since`. */
    async touch(ids: readonly string[], now: Date, since: Date): Promise<void> {
      await executor
        .update(sessions)
        .set({ lastUsedAt: now })
        .where(and(inArray(sessions.id, [...ids]), lt(sessions.lastUsedAt, since)));
    },

    /** Removes up to `limit` that ended or expired before a moment, passing by rows that somebody holds. */
    async deleteOver(moment: Date, limit: number): Promise<number> {
      const over = executor
        .select({ id: sessions.id })
        .from(sessions)
        .where(or(lt(sessions.expiresAt, moment), and(isNotNull(sessions.endedAt), lt(sessions.endedAt, moment))))
        .limit(limit)
        .for('update', { skipLocked: true });
      const deleted = await executor.delete(sessions).where(inArray(sessions.id, over)).returning({ id: sessions.id });
      return deleted.length;
    },

    /** Live sessions of an account, the one used last first. */
    async listLive(userId: string, now: Date): Promise<SessionRecord[]> {
      return executor
        .select()
        .from(sessions)
        .where(and(eq(sessions.userId, userId), live(now)))
        .orderBy(desc(sessions.lastUsedAt), desc(sessions.id))
        .limit(MAX_LISTED);
    },
  };
}

/** More devices than a person has; what is older can still be ended by changing the password. */
const MAX_LISTED = 100;

/**
 * The read behind every authenticated request, prepared once: the sessions of one tick with their
 * accounts, in one statement by primary key.
 */
export function prepareLivenessRead(executor: Executor): (ids: readonly string[]) => Promise<SessionWithAccount[]> {
  const statement = executor
    .select({ session: sessionColumns, account: accountColumns })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(sql`${sessions.id} = any(${sql.placeholder('ids')}::uuid[])`)
    .prepare('session_liveness');
  return (ids) => statement.execute({ ids: `{${ids.join(',')}}` });
}
