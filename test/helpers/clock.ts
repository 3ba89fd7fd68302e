/** A clock that only the test moves. */
import type { Clock } from '../../src/lib/clock.js';

export interface TestClock extends Clock {
  /** Moves the time by milliseconds; negative moves it back. */
  advance(ms: number): void;
}

/** Starts at the current time, so that timestamps of the database are close to it. */
export function testClock(start = Date.now()): TestClock {
  let now = start;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}
