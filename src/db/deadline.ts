/** Deadlines for queries: after the deadline, the call fails with SERVICE_UNAVAILABLE, even if the query still runs. */
import { serviceUnavailable } from '../lib/errors.js';

/**
 * The result of `work`, or SERVICE_UNAVAILABLE after `ms` milliseconds.
 * @param onLate called after the deadline, to cancel the work
 */
export function withDeadline<T>(work: Promise<T>, ms: number, onLate: () => void = () => undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(serviceUnavailable('The database took too long.'));
      onLate();
    }, ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
