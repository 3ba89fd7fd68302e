/** Loads the grant of each request with client credentials. Concurrent requests share one statement, and nothing is cached. */
import { createBatches } from '../../db/batches.js';
import type { ServiceGrant } from './repository.js';

/** Undefined if there is no such grant. */
export type LoadServiceGrant = (id: string) => Promise<ServiceGrant | undefined>;

/** @param read reads grants by id, in one statement */
export function createServiceGrantLoader(read: (ids: readonly string[]) => Promise<readonly ServiceGrant[]>) {
  const batches = createBatches(read, ({ id }) => id);
  const load: LoadServiceGrant = (id) => batches.waiting(id) ?? batches.add(id, id);
  return load;
}

/** Whether requests with the grant are accepted at `now`, in milliseconds. */
export function isServiceGrantLive({ endedAt, expiresAt, isEnabled }: ServiceGrant, now: number): boolean {
  return endedAt === null && expiresAt.getTime() > now && isEnabled;
}
