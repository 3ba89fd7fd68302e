/** Ids of audit events: UUIDv7, so that the primary key finds what was recorded since a moment. */
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../lib/clock.js';

/** The smallest id of a moment. */
export const firstIdOf = (moment: Date): string =>
  uuidv7({ msecs: Math.max(0, moment.getTime()), seq: 0, random: new Uint8Array(16) });

/**
 * Makes ids that carry the time of the clock that stamps the events, each greater than the one before: an id never is
 * from before the moment it is made.
 */
export function createIds(clock: Clock): () => string {
  let msecs = 0;
  let seq = 0;
  return () => {
    const now = clock.now();
    // Half of the numbers are left for what comes within the same millisecond.
    seq = now > msecs ? Math.floor(Math.random() * 2 ** 31) : seq + 1;
    msecs = Math.max(msecs, now);
    return uuidv7({ msecs, seq });
  };
}
