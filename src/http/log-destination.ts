/**
 * Where log lines go: standard output, the lines of one turn of the event loop together. A write per line costs a busy
 * server more than making the lines. pino's own destination is no help: it goes through the thread pool, where lines
 * queue behind password hashes, and those still there when the process exits are lost or come out of order.
 */
import type { LogStream } from './logging.js';

export interface LogDestination extends LogStream {
  /** Writes what has been gathered, at once. */
  flush(): void;
}

/** @param out Node writes files and pipes at once, so that nothing is left behind when the process exits */
export function gatherLines(out: LogStream): LogDestination {
  let lines = '';
  const flush = (): void => {
    if (lines === '') return;
    const gathered = lines;
    lines = '';
    out.write(gathered);
  };
  return {
    write(line) {
      if (lines === '') setImmediate(flush);
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
