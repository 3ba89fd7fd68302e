/** SQL of session lists: live sessions, most recently used first. */
import { and, desc, eq, getTableColumns, inArray, lte, sql } from 'drizzle-orm';
import type { Clock } from '../lib/clock.js';
import type { Executor } from '../db/database.js';
import { oauthClients, sessions } from '../db/schema/index.js';
import { validationError, type FieldError } from '../lib/errors.js';
import { isId } from '../lib/paging.js';
import { liveAt } from './repository.js';
import type { ListedSession } from './session.js';

export interface SessionListing {
  /** The first `limit` sessions of each account, by account id, in one statement. */
  first(userIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly ListedSession[]>>;
  /** The `limit` sessions after the session `afterId`. @throws AppError VALIDATION_ERROR if the account has no such session */
  after(userId: string, limit: number, afterId: string): Promise<readonly ListedSession[]>;
}

const DEFAULT_SIZE = 100;
const MAX_SIZE = 100;

/**
 * Validates pagination arguments.
 * @throws AppError VALIDATION_ERROR for a page size out of range, or a cursor that is not an id
 */
export function parseSessionPage({
  first,
  after,
}: {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}): { readonly limit: number; readonly afterId: string | undefined } {
  const limit = first ?? DEFAULT_SIZE;
  const errors: FieldError[] = [];
  if (limit < 1 || limit > MAX_SIZE) errors.push({ field: 'first', message: `must be from 1 to ${MAX_SIZE}` });
  if (after != null && !isId(after)) errors.push(NOT_A_SESSION);
  if (errors.length > 0) throw validationError(errors);
  return { limit, afterId: after ?? undefined };
}

const NOT_A_SESSION: FieldError = { field: 'after', message: 'must be the id of a session of the account' };

/** @param idleTtlMs idle timeout in milliseconds; undefined for none */
export function createSessionListing(executor: Executor, clock: Clock, idleTtlMs?: number): SessionListing {
  const live = () => liveAt(new Date(clock.now()), idleTtlMs);
  const listedColumns = { ...getTableColumns(sessions), clientName: oauthClients.name };
  const ofSession = eq(oauthClients.id, sessions.clientId);
  const newestUse = [desc(sessions.lastUsedAt), desc(sessions.id)];

  return {
    async first(userIds, limit) {
      const position = sql<number>`row_number() over (
        partition by ${sessions.userId} order by ${sessions.lastUsedAt} desc, ${sessions.id} desc)`;
      const ranked = executor
        .select({ ...listedColumns, position: position.as('position') })
        .from(sessions)
        .leftJoin(oauthClients, ofSession)
        .where(and(inArray(sessions.userId, [...userIds]), live()))
        .as('ranked');
      const rows = await executor
        .select()
        .from(ranked)
        .where(lte(ranked.position, limit))
        .orderBy(ranked.userId, ranked.position);
      const byUser = new Map<string, ListedSession[]>(userIds.map((id) => [id, []]));
      for (const row of rows) byUser.get(row.userId)?.push(row);
      return byUser;
    },

    async after(userId, limit, afterId) {
      const ofAccount = and(eq(sessions.id, afterId), eq(sessions.userId, userId));
      const cursor = executor
        .select({ lastUsedAt: sessions.lastUsedAt, id: sessions.id })
        .from(sessions)
        .where(ofAccount);
      const rows = await executor
        .select(listedColumns)
        .from(sessions)
        .leftJoin(oauthClients, ofSession)
        .where(and(eq(sessions.userId, userId), live(), sql`(${sessions.lastUsedAt}, ${sessions.id}) < (${cursor})`))
        .orderBy(...newestUse)
        .limit(limit);
      // Either the end of the list or an invalid cursor.
      if (rows.length === 0 && (await cursor).length === 0) throw validationError([NOT_A_SESSION]);
      return rows;
    },
  };
}
