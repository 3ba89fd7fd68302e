/** Loads the API key of each request, like sessions: concurrent requests share one statement, and nothing is cached. */
import { createBatches } from '../db/batches.js';
import type { PresentedKey } from './api-key.js';

/** Loads a key and its owner by the key's id; undefined if there is none. */
export type LoadApiKey = (id: string) => Promise<PresentedKey | undefined>;

/** @param read reads keys by id, in one statement */
export function createApiKeyLoader(read: (ids: readonly string[]) => Promise<readonly PresentedKey[]>): LoadApiKey {
  const batches = createBatches(read, ({ key }) => key.id);
  return (id) => batches.waiting(id) ?? batches.add(id, id);
}
