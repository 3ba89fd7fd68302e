/**
 * Reads sessions for one GraphQL request: what its fields ask for at the same moment goes in one statement, so that a list
 * of accounts with their sessions takes two statements and not one for each account.
 */
import type { SessionListing } from './listing-repository.js';
import type { SessionRecord } from './session.js';

export interface SessionListLoader {
  /** The first `limit` live sessions of an account, or those that follow `afterId`. */
  load(userId: string, limit: number, afterId: string | undefined): Promise<readonly SessionRecord[]>;
}

type Batch = Promise<ReadonlyMap<string, readonly SessionRecord[]>>;

/** @param run runs a statement of the request, when it may */
export function createSessionListLoader(
  { first, after }: SessionListing,
  run: <T>(statement: () => Promise<T>) => Promise<T>,
): SessionListLoader {
  /** By size of the page: the accounts that wait for the next statement. */
  const waiting = new Map<number, { readonly userIds: Set<string>; readonly batch: Batch }>();

  function batchOf(limit: number): { readonly userIds: Set<string>; readonly batch: Batch } {
    const found = waiting.get(limit);
    if (found) return found;
    const userIds = new Set<string>();
    // All fields of one list are resolved in the turn of the event loop that resolves the first.
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
