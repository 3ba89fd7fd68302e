/** Bounds what one event costs: all subscriptions of its account are executed at once, and different ones share nothing. */
import { AppError } from '../../lib/errors.js';

/** One row for each subscription that the sockets of an account may have by default. */
const MAX_ROWS_PER_EVENT = 2500;
const MESSAGE = `The subscriptions of the account would read over ${MAX_ROWS_PER_EVENT} rows at each event.`;

/**
 * Checks that an account may have one more subscription.
 * @param sockets of the account, with the rows that their subscriptions read at each event
 * @param rows that the new subscription reads
 * @throws AppError QUERY_REJECTED
 */
export function assertRoomForRows(sockets: Iterable<{ readonly rows: number }>, rows: number): void {
  let total = rows;
  for (const { rows: others } of sockets) total += others;
  if (total > MAX_ROWS_PER_EVENT) throw new AppError('QUERY_REJECTED', MESSAGE);
}
