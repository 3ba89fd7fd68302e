/**
 * The destination of log lines: pino's own, on standard output. It gathers lines, because a write for each line costs more
 * than making the line. It writes synchronously: asynchronous writes go through the thread pool, where they would wait for
 * password hashes.
 */
import { destination } from 'pino';
import type { LogStream } from './logging.js';

/** Lines wait until there are this many bytes of them, or until the next flush. Below one write of pino (16 KiB). */
const MIN_BYTES = 15_360;
/** The maximum time before a line is written, in milliseconds. A killed process loses later lines. */
const FLUSH_MS = 100;
/** Lines beyond this are dropped while they cannot be written, as when the disk is full. */
const MAX_BYTES = 1_048_576;

/** Standard output. Lines that wait when the process exits are written then. A failing write never ends the process. */
export function standardOutput(): LogStream {
  const output = destination({
    dest: 1,
    sync: true,
    minLength: MIN_BYTES,
    maxLength: MAX_BYTES,
    periodicFlush: FLUSH_MS,
  });
  output.on('error', () => undefined);
  // pino flushes at exit only what it writes asynchronously. `flushSync` would repeat a failing write without end.
  process.once('exit', () => output.flush());
  return output;
}
