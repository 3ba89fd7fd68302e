/** The message of a failed start or command: one or two lines if an operator can fix it, otherwise a stack. */
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
 * Returns the text for standard error, without secrets.
 * @param where undefined if the configuration is invalid
 * @param failed how the text begins
 */
export function failureText(error: unknown, where?: Where, failed = 'Latchkey cannot start'): string {
  if (error instanceof ConfigError || error instanceof DirectoryHeldError) return error.message;
  if (error instanceof DatabaseSetupError) return `${failed}: ${reasonFor(error)}`;
  const advice = where?.databaseUrl === undefined ? undefined : databaseAdvice(error);
  const refused = advice !== undefined && sqlStateOf(error) !== undefined;
  if (where && error instanceof Error && (error instanceof AppError || refused))
    return `${failed} with ${databaseName(where)}: ${reasonFor(error)}${advice === undefined ? '' : ` ${advice}`}`;
  if (error instanceof SigningSecretError && where) return wrongSecret(where);
  // Errors of system calls, such as a directory without access.
  if (error instanceof Error && 'syscall' in error) return `${failed}: ${reasonFor(error)}`;
  const { message, stack } = serializeError(error);
  return stack || message;
}

/** Explains that the signing keys cannot be decrypted, and where the right secret may be. */
function wrongSecret(where: Where): string {
  const file = generatedSecretFile(where.dataDir);
  const keys = `the signing keys in ${databaseName(where)}`;
  if (where.authSecrets.length === 0)
    return `AUTH_SECRET is not set, and the secret in ${file} does not match ${keys}.\nSet AUTH_SECRET to the secret that encrypted them.`;
  const generated = existsSync(file) ? ` ${file} contains a secret that was generated earlier.` : '';
  return `AUTH_SECRET does not match ${keys}.\nAppend the secret that encrypted them: AUTH_SECRET=new,old.${generated}`;
}

/** Names the configured database without its password. */
export function databaseName({ databaseUrl, dataDir }: Where): string {
  if (databaseUrl === undefined) return `the embedded database in ${dataDir}`;
  const { hosts, database = 'named like its user' } = parseDatabaseUrl(databaseUrl);
  const servers = hosts.map(({ host, port, path }) => path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return `the database ${database} on ${servers.join(', ')}`;
}
