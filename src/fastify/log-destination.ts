/**
 * Writes log lines to standard output in batches: at once on an idle server, every few milliseconds on a busy one, where one
 * write per line costs more than creating the lines. pino's asynchronous destination uses the thread pool, where lines
 * queue behind password hashes and are lost or reordered when the process exits.
 */
import type { LogStream } from './logging.js';

/** The minimum interval between writes. A process that is killed loses the lines of this time. */
const MIN_INTERVAL_MS = 10;

export interface LogDestination extends LogStream {
  /** Writes all buffered lines at once. */
  flush(): void;
}

/**
 * Buffers lines and writes them together.
 * @param out must write synchronously, as Node does to files and pipes, so that no line is lost at exit
 * @param minIntervalMs the minimum interval between writes
 */
export function bufferLines(out: LogStream, minIntervalMs = MIN_INTERVAL_MS): LogDestination {
  let lines = '';
  let wroteAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    if (lines === '') return;
    const buffered = lines;
    lines = '';
    wroteAt = performance.now();
    out.write(buffered);
  };
  return {
    write(line) {
      if (lines === '') {
        const waitMs = wroteAt + minIntervalMs - performance.now();
        if (waitMs > 0) timer = setTimeout(flush, waitMs);
        else setImmediate(flush);
      }
      lines += line;
    },
    flush,
  };
}

/** Standard output, buffered. Buffered lines are written when the process exits. */
export function standardOutput(): LogDestination {
  const destination = bufferLines(process.stdout);
  process.once('exit', () => destination.flush());
  return destination;
}
