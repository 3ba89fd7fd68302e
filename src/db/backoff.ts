/** Exponential backoff: after a failure, one attempt at a time with growing delays. */

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/** Reports the result of an attempt. */
export type Outcome = (succeeded: boolean) => void;

/** @param now monotonic clock in milliseconds */
export function createBackoff(now: () => number = () => performance.now()) {
  let failures = 0;
  let until = 0;
  let trying = false;
  /** Failures of attempts that started in the same round count once. */
  let round = 0;

  return {
    /** Starts an attempt; undefined during the delay, or while another attempt runs after a failure. */
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
