/**
 * Limits how many wrong API keys of one network are looked up. Latchkey limits the requests of a client, so without this limit one
 * sender of invented keys could use up those of the service.
 */
import { createCache } from './cache.js';
import { VerificationError } from './errors.js';

/** Wrong keys of one network in `WINDOW_MS`. The default limit of a client is 600 requests in a minute. */
const MAX_FAILURES = 100;
const WINDOW_MS = 60_000;
const MAX_NETWORKS = 10_000;

/**
 * Counts a lookup as failed, so that concurrent ones count too.
 * @param ipAddress without one, nothing is counted
 * @returns takes the count back, for a lookup that did not fail
 * @throws VerificationError RATE_LIMIT_EXCEEDED
 */
export type CountLookup = (ipAddress: string | undefined) => () => void;

export function createLookupLimit(): CountLookup {
  const networks = createCache<{ failures: number; readonly until: number }>(MAX_NETWORKS);
  return (ipAddress) => {
    if (ipAddress === undefined) return () => undefined;
    const [name, now] = [networkOf(ipAddress), Date.now()];
    const counted = networks.get(name) ?? { failures: 0, until: now + WINDOW_MS };
    if (counted.failures === 0) networks.set(name, counted, now, counted.until);
    if (counted.failures >= MAX_FAILURES) {
      const retryAfter = Math.max(1, Math.ceil((counted.until - now) / 1000));
      throw new VerificationError('RATE_LIMIT_EXCEEDED', 'Too many requests.', { retryAfter });
    }
    counted.failures += 1;
    return () => void (counted.failures -= 1);
  };
}

/** The first 64 bits of an IPv6 address, the smallest allocation to a subscriber (RFC 6177), or a whole IPv4 address. */
function networkOf(ipAddress: string): string {
  if (!ipAddress.includes(':') || ipAddress.includes('.')) return ipAddress;
  const [before = ''] = ipAddress.split('::');
  return [...before.split(':'), '0', '0', '0'].slice(0, 4).join(':');
}
