/** Keeps a value that takes a request, such as a discovery document, and renews it. */
import type { Clock } from '../../lib/clock.js';

/** Providers announce new endpoints and keys well before they drop the old ones. */
const FRESH_MS = 3_600_000;
/** Requests for a provider that is down do not become requests to it; short, so that its recovery is noticed. */
const RETRY_MS = 5000;

/**
 * The value, loaded at the first call and again when it is an hour old. Concurrent calls share one load. If renewing fails, the old
 * value is used.
 * @throws what `load` throws, also for the next five seconds
 */
export function createRenewed<T>(clock: Clock, load: () => Promise<T>): () => Promise<T> {
  let current: { readonly value: T; readonly at: number } | undefined;
  let failure: { readonly error: unknown; readonly at: number } | undefined;
  let running: Promise<void> | undefined;

  async function renew(): Promise<void> {
    try {
      current = { value: await load(), at: clock.now() };
      failure = undefined;
    } catch (error) {
      failure = { error, at: clock.now() };
    } finally {
      running = undefined;
    }
  }

  return async () => {
    const now = clock.now();
    const isFresh = current !== undefined && now - current.at < FRESH_MS;
    const isPaused = failure !== undefined && now - failure.at < RETRY_MS;
    if (!isFresh && !isPaused) await (running ??= renew());
    if (current !== undefined) return current.value;
    throw failure?.error;
  };
}
