/** Forwards our log lines, already redacted, to the logger of an application. */
import type { FastifyBaseLogger } from 'fastify';
import type { LogStream } from './logging.js';

/** Log methods by pino's level numbers. */
const METHODS = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal'],
] as const);

/** Fields that the other logger adds itself. */
const LOGGER_FIELDS = new Set(['time', 'pid', 'hostname']);

interface Line extends Record<string, unknown> {
  readonly level: 10 | 20 | 30 | 40 | 50 | 60;
  readonly msg: string;
}

/** Creates a log destination for `createInstance`. */
export function forwardedLog(log: FastifyBaseLogger): LogStream {
  return {
    write(text) {
      const { level, msg, ...line } = JSON.parse(text) as Line;
      const fields = Object.entries(line).filter(([name]) => !LOGGER_FIELDS.has(name));
      log[METHODS.get(level) ?? 'info'](Object.fromEntries(fields), msg);
    },
  };
}
