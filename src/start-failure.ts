/** How a start, or a command, that failed is told: what a person can mend in one plain line, the rest with where it happened. */
import { ConfigError, type Config } from './config.js';
import { databaseAdvice } from './db/advice.js';
import { sqlStateOf } from './db/errors.js';
import { DirectoryHeldError } from './db/lock.js';
import { DatabaseSetupError } from './db/verify.js';
import { AppError } from './errors.js';
import { parseDatabaseUrl } from './database-url.js';
import { reasonFor, serializeError } from './http/redaction.js';

type Where = Pick<Config, 'databaseUrl' | 'dataDir'>;

/**
 * The text for standard error; without secrets.
 * @param where unknown while the configuration is read
 * @param failed what failed
 */
export function failureText(error: unknown, where?: Where, failed = 'Latchkey cannot start'): string {
  if (error instanceof ConfigError || error instanceof DirectoryHeldError) return error.message;
  if (error instanceof DatabaseSetupError) return `${failed}: ${reasonFor(error)}`;
  const advice = where?.databaseUrl === undefined ? undefined : databaseAdvice(error);
  const refused = advice !== undefined && sqlStateOf(error) !== undefined;
  if (where && error instanceof Error && (error instanceof AppError || refused))
    return `${failed} with ${databaseName(where)}: ${reasonFor(error)}${advice === undefined ? '' : ` ${advice}`}`;
  // Of the system: a port in use, a directory that is not ours.
  if (error instanceof Error && 'syscall' in error) return `${failed}: ${reasonFor(error)}`;
  const { message, stack } = serializeError(error);
  return stack || message;
}

/** Which database a configuration means, without its password. */
export function databaseName({ databaseUrl, dataDir }: Where): string {
  if (databaseUrl === undefined) return `the embedded database in ${dataDir}`;
  const { hosts, database = 'of its user' } = parseDatabaseUrl(databaseUrl);
  const servers = hosts.map(({ host, port, path }) => path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `the database ${database} on ${servers.join(', ')}`;
}
