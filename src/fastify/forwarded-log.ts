/** Writes our log lines, whose secrets are redacted by then, to the logger of an application. */
import type { FastifyBaseLogger } from 'fastify';
import type { LogStream } from './logging.js';

/** pino's numbers of levels. */
const METHODS = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
] as const);

/** Every logger adds its own. */
const OF_THE_LOGGER = new Set(['time', 'pid', 'hostname']);

interface Line extends Record<string, unknown> {
  readonly level: 10 | 20 | 30 | 40 | 50 | 60;
  readonly msg: string;
}

/** The destination for `createInstance`. */
export function forwardedLog(log: FastifyBaseLogger): LogStream {
  return {
    write(text) {
      const { level, msg, ...line } = JSON.parse(text) as Line;
      const fields = Object.entries(line).filter(([name]) => !OF_THE_LOGGER.has(name));
      log[METHODS.get(level) ?? 'info'](Object.fromEntries(fields), msg);
    },
  };
}
