/**
 * Reads the session of each authenticated request. Requests that arrive together share one statement. Nothing is cached, so a
 * revocation takes effect with the next request.
 */
import { createBatches } from '../db/batches.js';
import type { LiveSession } from './repository.js';

/** Reads a session with its account by the session's id; undefined when there is none. */
export type LoadSession = (sessionId: string) => Promise<LiveSession | undefined>;

/** @param read the prepared statement for many ids */
export function createSessionLoader(read: (ids: readonly string[]) => Promise<readonly LiveSession[]>): LoadSession {
  const batches = createBatches(read, ({ session }) => session.id);
  return (sessionId) => batches.waiting(sessionId) ?? batches.add(sessionId, sessionId);
}
