/**
 * One read per authenticated request, and one statement for all of a moment that need as much of the account. Each session
 * is read after it was asked for and nothing is remembered, so a revocation holds from the next request on.
 */
import { createBatches } from '../db/batches.js';
import type { LiveSession } from './repository.js';

/** Reads a session with its account by the session's id; undefined when there is none. */
export type ReadSession = (sessionId: string) => Promise<LiveSession | undefined>;

/** @param read the prepared statement for many ids */
export function createLivenessReader(read: (ids: readonly string[]) => Promise<readonly LiveSession[]>): ReadSession {
  const batches = createBatches(read, ({ session }) => session.id);
  return (sessionId) => batches.waiting(sessionId) ?? batches.add(sessionId, sessionId);
}
