/** Ids of audit events: UUIDv7, so the primary key finds the events since a moment. */
import { v7 as uuidv7 } from 'uuid';
import type { Clock } from '../lib/clock.js';

/** The smallest id at `moment`. */
export const firstIdOf = (moment: Date): string =>
  uuidv7({ msecs: Math.max(0, moment.getTime()), seq: 0, random: new Uint8Array(16) });

/**
 * Returns a generator of ids with the time of the clock that also stamps the events. Each id is greater than the previous
 * one and never carries a time before its creation.
 */
export function createIds(clock: Clock): () => string {
  let msecs = 0;
  let seq = 0;
  return () => {
    const now = clock.now();
    // Leaves half of the sequence numbers for ids of the same millisecond.
    seq = now > msecs ? Math.floor(Math.random() * 2 ** 31) : seq + 1;
    msecs = Math.max(msecs, now);
    return uuidv7({ msecs, seq });
  };
}
