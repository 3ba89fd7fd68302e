/** Pauses between attempts that fail: one at a time then, at growing distances, up to a bound. */

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/** How an attempt came out. */
export type Outcome = (succeeded: boolean) => void;

/** @param now milliseconds on a clock that never goes back */
export function createBackoff(now: () => number = () => performance.now()) {
  let failures = 0;
  let until = 0;
  let trying = false;
  /** Attempts that began together fail together, which counts once. */
  let round = 0;

  return {
    /** Begins an attempt; undefined while it is too early for one, or another one is under way after a failure. */
    attempt(): Outcome | undefined {
      if (failures > 0 && (trying || now() < until)) return undefined;
      trying = failures > 0;
      const own = round;
      return (succeeded) => {
        if (own !== round && !succeeded) return;
        trying = false;
        round += 1;
        failures = succeeded ? 0 : failures + 1;
        until = succeeded ? 0 : now() + Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
      };
    },
  };
}
