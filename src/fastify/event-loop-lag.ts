/** How late the event loop is, over a window of time that does not depend on who asks when. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

export interface EventLoopLag {
  /** The 99th percentile of the delays within the last one to two windows, in seconds. */
  p99(): number;
  close(): void;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 30_000;

type DelayHistogram = Pick<IntervalHistogram, 'enable' | 'disable' | 'reset' | 'percentile'>;

/**
 * Measures until it is closed; keeps no process alive.
 * @param histogram of delays in nanoseconds
 * @param everyWindow calls back at the end of each window; returns how to stop that
 */
export function createEventLoopLag(
  histogram: DelayHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS }),
  everyWindow: (turn: () => void) => () => void = onTimer,
): EventLoopLag {
  let previous = 0;
  const current = () => histogram.percentile(99) / 1e9;
  histogram.enable();
  const stop = everyWindow(() => {
    previous = current();
    histogram.reset();
  });
  return {
    // The present window alone would show nothing right after it began.
    p99: () => Math.max(previous, current()),
    close() {
      stop();
      histogram.disable();
    },
  };
}

function onTimer(turn: () => void): () => void {
  const timer = setInterval(turn, WINDOW_MS).unref();
  return () => clearInterval(timer);
}
