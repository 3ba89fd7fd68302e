/** SQL of sessions, except the rotation of refresh tokens. */
import { and, desc, eq, getTableColumns, gt, inArray, isNotNull, isNull, lt, ne, or, sql, type SQL } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { AccountRecord } from '../users/account.js';
import type { ClientInfo } from '../lib/client-info.js';
import { accountColumns } from '../db/account-columns.js';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { sessions, users } from '../db/schema/index.js';
import { param, rowParams, statement } from '../db/statement.js';
import type { SessionRecord } from './session.js';

/** A session together with its account, as one statement reads them. */
export interface SessionWithAccount {
  readonly session: SessionRecord;
  readonly account: AccountRecord;
}

/** The columns that authentication needs, with the account. */
export interface LiveSession {
  readonly session: Pick<
    SessionRecord,
    'id' | 'lastUsedAt' | 'expiresAt' | 'endedAt' | 'authenticatedAt' | 'amr' | 'accessEpoch'
  >;
  readonly account: AccountRecord;
}

const sessionColumns = getTableColumns(sessions);
/** The columns of a session and its account. */
export const withAccount = { session: sessionColumns, account: accountColumns };
/** The times that decide whether a session is live. */
export interface Moment<T extends Date | SQL = Date> {
  readonly now: T;
  /** Sessions used before this time are idle; the epoch if there is no idle timeout. */
  readonly idleSince: T;
}
/** The condition of a live session. */
export const live = (
  { now, idleSince }: Moment<Date | SQL>,
  table: Record<'endedAt' | 'expiresAt' | 'lastUsedAt', PgColumn> = sessions,
) => and(isNull(table.endedAt), gt(table.expiresAt, now), gt(table.lastUsedAt, idleSince));
/** The moment as parameters of a statement. */
export const momentParams: Moment<SQL> = {
  now: param(sessions.expiresAt, 'now'),
  idleSince: param(sessions.lastUsedAt, 'idleSince'),
};
const insertSession = statement(undefined, (executor) => executor.insert(sessions).values(rowParams(sessions)));

const { id, lastUsedAt, expiresAt, endedAt, authenticatedAt, amr, accessEpoch } = sessionColumns;
const liveColumns = {
  session: { id, lastUsedAt, expiresAt, endedAt, authenticatedAt, amr, accessEpoch },
  account: accountColumns,
};
const readLive = statement<LiveSession[]>(liveColumns, (executor) =>
  executor
    .select(liveColumns)
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(sql`${sessions.id} = any(${sql.placeholder('ids')}::uuid[])`),
);

/** The newest session beyond the limit, if there is one. */
const readExcess = statement({ id: sessions.id }, (executor) =>
  executor
    .select({ id: sessions.id })
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, param(sessions.userId, 'userId')),
        sql`${sessions.clientId} is not distinct from ${param(sessions.clientId, 'clientId')}`,
        live(momentParams),
      ),
    )
    .orderBy(desc(sessions.createdAt), desc(sessions.id))
    .offset(sql.placeholder('max'))
    .limit(1),
);

/** @param idleTtlMs as of `createSessionRepository` */
export function momentAt(now: Date, idleTtlMs: number | undefined): Moment {
  return { now, idleSince: new Date(idleTtlMs === undefined ? 0 : now.getTime() - idleTtlMs) };
}

/** The condition of a session that is live at `now`. @param idleTtlMs as of `createSessionRepository` */
export function liveAt(now: Date, idleTtlMs: number | undefined): SQL | undefined {
  return live(momentAt(now, idleTtlMs));
}

/**
 * @param executor the database, or one transaction of it
 * @param idleTtlMs idle timeout in milliseconds; undefined for none
 */
export function createSessionRepository(executor: Executor, idleTtlMs?: number) {
  const at = (now: Date): Moment => momentAt(now, idleTtlMs);
  return {
    async insert(session: SessionRecord): Promise<void> {
      await insertSession(executor, { ...session });
    },

    /**
     * Invalidates all tokens of a live session: refresh tokens count as reused, access tokens belong to an earlier epoch.
     * Undefined if the session has ended.
     */
    async supersedeTokens(id: string, client: ClientInfo, now: Date): Promise<SessionRecord | undefined> {
      const [row] = await executor
        .update(sessions)
        .set({
          generation: sql`${sessions.generation} + 2`,
          accessEpoch: sql`${sessions.accessEpoch} + 1`,
          rotatedAt: now,
          lastUsedAt: now,
          ipAddress: client.ipAddress,
          userAgent: client.userAgent,
        })
        .where(and(eq(sessions.id, id), live(at(now))))
        .returning();
      return row;
    },

    async find(id: string): Promise<SessionWithAccount | undefined> {
      const [row] = await executor
        .select(withAccount)
        .from(sessions)
        .innerJoin(users, eq(users.id, sessions.userId))
        .where(eq(sessions.id, id));
      return row;
    },

    /** Whether a session has ended. If not, it cannot end before the transaction does. */
    async lockEnded(id: string): Promise<boolean> {
      const [row] = await executor
        .select({ endedAt: sessions.endedAt })
        .from(sessions)
        .where(eq(sessions.id, id))
        .for('share');
      return row?.endedAt != null;
    },

    /** Ends a live session, of `userId` if given. Returns its account id; undefined if there was none. */
    async end(id: string, now: Date, userId?: string): Promise<string | undefined> {
      const [ended] = await executor
        .update(sessions)
        .set({ endedAt: now })
        .where(and(eq(sessions.id, id), userId === undefined ? undefined : eq(sessions.userId, userId), live(at(now))))
        .returning({ userId: sessions.userId });
      return ended?.userId;
    },

    /** Ends the live sessions of an account except `exceptId`; returns how many. */
    async endAll(userId: string, now: Date, exceptId?: string): Promise<number> {
      const ended = await executor
        .update(sessions)
        .set({ endedAt: now })
        .where(
          and(
            eq(sessions.userId, userId),
            live(at(now)),
            exceptId === undefined ? undefined : ne(sessions.id, exceptId),
          ),
        )
        .returning({ id: sessions.id });
      return ended.length;
    },

    /** Whether an account has more live sessions than `max`: first-party ones, or those of one client. */
    async exceeds(userId: string, max: number, now: Date, clientId: string | null = null): Promise<boolean> {
      return (await readExcess(executor, { userId, max, clientId, ...at(now) })).length > 0;
    },

    /** Ends all live sessions of an account except the newest `max`, of those that `exceeds` counts; returns their ids. */
    async endBeyond(userId: string, max: number, now: Date, clientId?: string): Promise<string[]> {
      const ofClient = clientId === undefined ? isNull(sessions.clientId) : eq(sessions.clientId, clientId);
      const beyond = executor
        .select({ id: sessions.id })
        .from(sessions)
        .where(and(eq(sessions.userId, userId), ofClient, live(at(now))))
        .orderBy(desc(sessions.createdAt), desc(sessions.id))
        .offset(max);
      const ended = await executor
        .update(sessions)
        .set({ endedAt: now })
        .where(and(inArray(sessions.id, beyond), isNull(sessions.endedAt)))
        .returning({ id: sessions.id });
      return ended.map(({ id }) => id);
    },

    /** Sets `lastUsedAt` of sessions that were last used before `since`. */
    async touch(ids: readonly string[], now: Date, since: Date): Promise<void> {
      await executor
        .update(sessions)
        .set({ lastUsedAt: now })
        .where(and(inArray(sessions.id, [...ids]), lt(sessions.lastUsedAt, since)));
    },

    /** Deletes up to `limit` sessions that ended or expired before `moment`, skipping locked rows. */
    deleteOver(moment: Date, limit: number): Promise<number> {
      const ended = and(isNotNull(sessions.endedAt), lt(sessions.endedAt, moment));
      return deleteBatch(executor, sessions, sessions.id, or(lt(sessions.expiresAt, moment), ended), limit);
    },
  };
}

/** Reads sessions by id with their accounts, for authentication. */
export function readLiveSessions(executor: Executor): (ids: readonly string[]) => Promise<LiveSession[]> {
  return (ids) => readLive(executor, { ids: `{${ids.join(',')}}` });
}
