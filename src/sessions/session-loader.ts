/**
 * Loads the session of each authenticated request. Concurrent requests share one statement. Nothing is cached, so a revocation
 * takes effect with the next request.
 */
import { createBatches } from '../db/batches.js';
import type { LiveSession } from './repository.js';

/** Loads a session and its account by session id; undefined if there is none. */
export type LoadSession = (sessionId: string) => Promise<LiveSession | undefined>;

/** @param read reads sessions by id, in one statement */
export function createSessionLoader(read: (ids: readonly string[]) => Promise<readonly LiveSession[]>): LoadSession {
  const batches = createBatches(read, ({ session }) => session.id);
  return (sessionId) => batches.waiting(sessionId) ?? batches.add(sessionId, sessionId);
}
