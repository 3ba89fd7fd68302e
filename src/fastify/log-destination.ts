/**
 * Where log lines go: standard output, at once on a quiet server and the lines of some milliseconds together on a busy
 * one, where a write per line costs more than making the lines. pino's own destination is no help: it goes through the
 * thread pool, where lines queue behind password hashes, and those still there when the process exits are lost or come
 * out of order.
 */
import type { LogStream } from './logging.js';

/** How far apart writes are at the least, in milliseconds: what a process loses that is killed. */
const APART_MS = 10;

export interface LogDestination extends LogStream {
  /** Writes what has been gathered, at once. */
  flush(): void;
}

/**
 * @param out Node writes files and pipes at once, so that nothing is left behind when the process exits
 * @param apartMs how far apart writes are at the least
 */
export function gatherLines(out: LogStream, apartMs = APART_MS): LogDestination {
  let lines = '';
  let wroteAt = Number.NEGATIVE_INFINITY;
  let due: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(due);
    if (lines === '') return;
    const gathered = lines;
    lines = '';
    wroteAt = performance.now();
    out.write(gathered);
  };
  return {
    write(line) {
      if (lines === '') {
        const early = wroteAt + apartMs - performance.now();
        if (early > 0) due = setTimeout(flush, early);
        else setImmediate(flush);
      }
      lines += line;
    },
    flush,
  };
}

/** Standard output, gathered; what is there when the process ends is written first. */
export function standardOutput(): LogDestination {
  const destination = gatherLines(process.stdout);
  process.once('exit', () => destination.flush());
  return destination;
}
