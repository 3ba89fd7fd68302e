/**
 * The destination of log lines: pino's own, on standard output. It writes synchronously: asynchronous writes go through the thread
 * pool, where they would wait for password hashes. Lines are gathered first, because a write for each line costs more than making
 * the line. pino's `minLength` gathers too, but it measures all gathered lines again for each line.
 */
import { destination } from 'pino';
import type { LogStream } from './logging.js';

/** The time between two writes of a busy server, in milliseconds. A line after a longer pause is written at the end of its turn. */
const INTERVAL_MS = 10;
/** This many characters are written at once. */
const MAX_GATHERED = 15_360;
/** Lines beyond this are dropped while they cannot be written, as when the disk is full. */
const MAX_BYTES = 1_048_576;

/** Standard output. Lines that wait when the process exits are written then. A failing write never ends the process. */
export function standardOutput(): LogStream {
  const output = destination({ dest: 1, sync: true, maxLength: MAX_BYTES });
  output.on('error', () => undefined);
  let lines = '';
  /** Runs for an interval after each write. */
  let interval: NodeJS.Timeout | undefined;

  function writeLines(): void {
    clearTimeout(interval);
    interval = undefined;
    if (lines === '') return;
    const gathered = lines;
    lines = '';
    interval = setTimeout(writeLines, INTERVAL_MS).unref();
    output.write(gathered);
  }

  process.once('exit', () => {
    writeLines();
    // pino flushes at exit only what it writes asynchronously. `flushSync` would repeat a failing write without end.
    output.flush();
  });
  return {
    write(line) {
      if (lines === '' && !interval) setImmediate(writeLines);
      lines += line;
      if (lines.length >= MAX_GATHERED) writeLines();
    },
  };
}
