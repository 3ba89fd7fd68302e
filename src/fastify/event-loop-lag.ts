/** Measures the event loop delay over fixed windows, so that every reader sees the same value. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

export interface EventLoopLag {
  /** The 99th percentile of the delays in seconds, over the last one to two windows. */
  p99(): number;
  close(): void;
}

const RESOLUTION_MS = 20;
const WINDOW_MS = 30_000;

type DelayHistogram = Pick<IntervalHistogram, 'enable' | 'disable' | 'reset' | 'percentile'>;

/**
 * Measures until it is closed. Does not keep the process alive.
 * @param histogram delays in nanoseconds
 * @param everyWindow calls `onWindowEnd` at the end of each window; returns a function that stops it
 */
export function createEventLoopLag(
  histogram: DelayHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS }),
  everyWindow: (onWindowEnd: () => void) => () => void = onTimer,
): EventLoopLag {
  let previous = 0;
  const current = () => histogram.percentile(99) / 1e9;
  histogram.enable();
  const stop = everyWindow(() => {
    previous = current();
    histogram.reset();
  });
  return {
    // A window that has just begun holds no delays.
    p99: () => Math.max(previous, current()),
    close() {
      stop();
      histogram.disable();
    },
  };
}

function onTimer(onWindowEnd: () => void): () => void {
  const timer = setInterval(onWindowEnd, WINDOW_MS).unref();
  return () => clearInterval(timer);
}
