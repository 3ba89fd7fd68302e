/**
 * Updates `lastUsedAt` of sessions and API keys without a write per request: collects uses in memory and writes them together
 * every few seconds. Skips credentials whose stored value is recent enough.
 */
import type { Clock } from '../lib/clock.js';

export interface LastUsedRecorder {
  /** Records that a credential is in use. */
  record(credential: { readonly id: string; readonly lastUsedAt: Date | null }): void;
  /** Writes the collected uses. After a failure, the next request with the credential records it again. */
  flush(): Promise<void>;
}

export interface LastUsedRecorderOptions {
  readonly clock: Clock;
  /** Sets the time of those whose stored time is before `before`. */
  readonly touch: (ids: readonly string[], now: Date, before: Date) => Promise<void>;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** Maximum error of `lastUsedAt`, in milliseconds; at most a quarter of the idle timeout. */
const PRECISION_MS = 300_000;
/** Credentials per statement. */
const BATCH = 1000;
/** Pending credentials, about 5 MB. Others are recorded at a later use. */
const MAX_PENDING = 50_000;

export function createLastUsedRecorder({
  clock,
  touch,
  idleTtlMs = Infinity,
}: LastUsedRecorderOptions): LastUsedRecorder {
  const precisionMs = Math.min(PRECISION_MS, idleTtlMs / 4);
  let pending = new Set<string>();
  return {
    record({ id, lastUsedAt }) {
      if (clock.now() - (lastUsedAt?.getTime() ?? -Infinity) >= precisionMs && pending.size < MAX_PENDING)
        pending.add(id);
    },

    async flush() {
      if (pending.size === 0) return;
      const ids = [...pending];
      pending = new Set();
      const now = clock.now();
      const before = new Date(now - precisionMs);
      for (let from = 0; from < ids.length; from += BATCH)
        await touch(ids.slice(from, from + BATCH), new Date(now), before);
    },
  };
}
