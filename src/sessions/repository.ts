/** All SQL of sessions. */
import { and, desc, eq, getTableColumns, gt, isNull, sql } from 'drizzle-orm';
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

export type SessionRepository = ReturnType<typeof createSessionRepository>;

/** @param executor the database, or one transaction of it */
export function createSessionRepository(executor: Executor) {
  return {
    async insert(session: SessionRecord): Promise<void> {
      await executor.insert(sessions).values(session);
    },

    /** Moves a live session of a usable account from `generation` to the next; undefined when nothing matched. */
    async rotate(
      id: string,
      generation: number,
      client: ClientInfo,
      now: Date,
    ): Promise<SessionWithAccount | undefined> {
      const [row] = await executor
        .update(sessions)
        .set({ generation: generation + 1, rotatedAt: now, lastUsedAt: now, ...client })
        .from(users)
        .where(
          and(
            eq(sessions.id, id),
            eq(sessions.generation, generation),
            live(now),
            eq(users.id, sessions.userId),
            isNull(users.disabledAt),
            isNull(users.deletedAt),
          ),
        )
        .returning({ session: sessionColumns, account: accountColumns });
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

    /** Ends a session; false when it had ended already. */
    async end(id: string, now: Date): Promise<boolean> {
      const ended = await executor
        .update(sessions)
        .set({ endedAt: now })
        .where(and(eq(sessions.id, id), isNull(sessions.endedAt)))
        .returning({ id: sessions.id });
      return ended.length > 0;
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
