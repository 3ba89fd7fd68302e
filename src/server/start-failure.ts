/** The error message of a start, or a command, that failed: one or two plain lines if an operator can mend it, else a stack. */
import { existsSync } from 'node:fs';
import { ConfigError, type Config } from '../config/config.js';
import { databaseAdvice } from '../db/advice.js';
import { sqlStateOf } from '../db/errors.js';
import { DirectoryHeldError } from '../db/directory-lock.js';
import { DatabaseSetupError } from '../db/verify-listening.js';
import { AppError } from '../lib/errors.js';
import { parseDatabaseUrl } from '../config/database-url.js';
import { reasonFor, serializeError } from '../fastify/redaction.js';
import { generatedSecretFile } from '../config/secrets.js';
import { SigningSecretError } from '../signing-keys/service.js';

type Where = Pick<Config, 'databaseUrl' | 'dataDir' | 'authSecrets'>;

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
  if (error instanceof SigningSecretError && where) return wrongSecret(where);
  // Of the system: a port in use, a directory that is not ours.
  if (error instanceof Error && 'syscall' in error) return `${failed}: ${reasonFor(error)}`;
  const { message, stack } = serializeError(error);
  return stack || message;
}

/** The signing keys cannot be decrypted: which setting is wrong, and where the right secret may be. */
function wrongSecret(where: Where): string {
  const file = generatedSecretFile(where.dataDir);
  const keys = `the signing keys in ${databaseName(where)}`;
  if (where.authSecrets.length === 0)
    return `AUTH_SECRET is not set, and the secret in ${file} is not the one of ${keys}.\nSet AUTH_SECRET to the secret they were made with.`;
  const generated = existsSync(file) ? ` A secret that was generated earlier is in ${file}.` : '';
  return `AUTH_SECRET does not match ${keys}.\nAdd the secret they were made with after the new one: AUTH_SECRET=new,old.${generated}`;
}

/** Which database a configuration means, without its password. */
export function databaseName({ databaseUrl, dataDir }: Where): string {
  if (databaseUrl === undefined) return `the embedded database in ${dataDir}`;
  const { hosts, database = 'of its user' } = parseDatabaseUrl(databaseUrl);
  const servers = hosts.map(({ host, port, path }) => path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `the database ${database} on ${servers.join(', ')}`;
}
