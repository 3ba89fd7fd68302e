/**
 * Loads session lists for one GraphQL request. Fields that resolve together share one statement (DataLoader pattern), so a list
 * of accounts with their sessions takes two statements in total.
 */
import type { SessionListing } from './listing-repository.js';
import type { ListedSession } from './session.js';

export interface SessionListLoader {
  /** The first `limit` live sessions of an account, or those that follow `afterId`. */
  load(userId: string, limit: number, afterId: string | undefined): Promise<readonly ListedSession[]>;
}

type Batch = Promise<ReadonlyMap<string, readonly ListedSession[]>>;

/** @param run runs a statement within the limits of the request */
export function createSessionListLoader(
  { first, after }: SessionListing,
  run: <T>(statement: () => Promise<T>) => Promise<T>,
): SessionListLoader {
  /** Page size → accounts that wait for the next statement. */
  const waiting = new Map<number, { readonly userIds: Set<string>; readonly batch: Batch }>();

  function batchOf(limit: number): { readonly userIds: Set<string>; readonly batch: Batch } {
    const found = waiting.get(limit);
    if (found) return found;
    const userIds = new Set<string>();
    // All fields of a list resolve in the same turn of the event loop.
    const batch = new Promise((resolve) => setImmediate(resolve)).then(() => {
      waiting.delete(limit);
      return run(() => first([...userIds], limit));
    });
    const created = { userIds, batch };
    waiting.set(limit, created);
    return created;
  }

  return {
    async load(userId, limit, afterId) {
      if (afterId !== undefined) return run(() => after(userId, limit, afterId));
      const { userIds, batch } = batchOf(limit);
      userIds.add(userId);
      return (await batch).get(userId) ?? [];
    },
  };
}
