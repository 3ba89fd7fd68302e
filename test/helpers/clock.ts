/** A clock that stands still until a test moves it. */
import type { Clock } from '../../src/lib/clock.js';

export interface TestClock extends Clock {
  /** Moves time forward (or back) by so many milliseconds. */
  advance(ms: number): void;
}

/** Starts at the present, so that what the database or a driver stamps is near. */
export function testClock(start = Date.now()): TestClock {
  let now = start;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}
