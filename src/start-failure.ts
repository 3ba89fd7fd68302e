/** How a start, or a command, that failed is told: what a person can mend in one plain line, the rest with where it happened. */
import { ConfigError, type Config } from './config.js';
import { sqlStateOf } from './db/errors.js';
import { DirectoryHeldError } from './db/lock.js';
import { AppError } from './errors.js';
import { reasonFor, serializeError } from './http/redaction.js';

type Where = Pick<Config, 'databaseUrl' | 'dataDir'>;

/** Postgres's refusals that are an operator's to mend: authentication, privileges, an unknown database, no tables. */
const MENDABLE = /^(?:28...|3D000|42501|42P01)$/;
const NO_TABLES = '42P01';

/**
 * The text for standard error; without secrets.
 * @param where unknown while the configuration is read
 * @param failed what failed
 */
export function failureText(error: unknown, where?: Where, failed = 'Latchkey cannot start'): string {
  if (error instanceof ConfigError || error instanceof DirectoryHeldError) return error.message;
  const sqlState = sqlStateOf(error);
  const ofTheDatabase = error instanceof AppError || (error instanceof Error && MENDABLE.test(sqlState ?? ''));
  if (ofTheDatabase && where) {
    const hint = sqlState === NO_TABLES ? ' Its migrations are missing: set MIGRATE_ON_START=true once.' : '';
    return `${failed} with ${databaseName(where)}: ${reasonFor(error)}${hint}`;
  }
  // Of the system: a port in use, a directory that is not ours.
  if (error instanceof Error && 'syscall' in error) return `${failed}: ${reasonFor(error)}`;
  const { message, stack } = serializeError(error);
  return stack || message;
}

/** Which database a configuration means, without its password. */
export function databaseName({ databaseUrl, dataDir }: Where): string {
  if (databaseUrl === undefined) return `the embedded database in ${dataDir}`;
  const { hostname, port, pathname } = new URL(databaseUrl);
  return `the database ${decodeURIComponent(pathname.slice(1)) || 'of its user'} on ${hostname}:${port || '5432'}`;
}
