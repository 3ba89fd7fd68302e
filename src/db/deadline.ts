/** No query may hang: what passes its deadline is answered SERVICE_UNAVAILABLE, whatever becomes of it. */
import { serviceUnavailable } from '../lib/errors.js';

/**
 * The outcome of `work`, or SERVICE_UNAVAILABLE after `ms` milliseconds.
 * @param onLate called when the deadline passed, to stop what still runs
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
