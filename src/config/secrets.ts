/** Loads the secrets from which keys are derived: configured, or generated once for development. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config.js';
import { dataDirectory, IN_MEMORY, inDataDirectory } from './data-directory.js';

const FILE = 'auth-secret';
const SECRET_BYTES = 48;
/** At least 32 printable characters. After a power loss, files may be empty or zeroed. */
const USABLE = /^[\x21-\x7e]{32,}$/;

/** The file of the generated secret, used if AUTH_SECRET is not set. */
export const generatedSecretFile = (dataDir: string): string => join(dataDir, FILE);

/**
 * The secrets of AUTH_SECRET. If it is not set (rejected in production), generates a secret and stores it in
 * `DATA_DIR/auth-secret` with mode 0600. Processes that start concurrently use the same one.
 * @throws ConfigError if DATA_DIR or the file in it cannot be used
 */
export async function loadSecrets(configured: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (configured.length > 0) return configured;
  const fresh = randomBytes(SECRET_BYTES).toString('base64url');
  if (dataDir === IN_MEMORY) return [fresh];
  await dataDirectory(dataDir);
  const file = generatedSecretFile(dataDir);
  return inDataDirectory(dataDir, async () => {
    const draft = `${file}.${randomUUID()}`;
    // Flushed before use: otherwise encrypted data could outlive the secret after a power loss.
    await writeFile(draft, fresh, { mode: 0o600, flush: true });
    // Links the file atomically: no process reads a partial file, and the first one wins.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(draft);
    await chmod(file, 0o600);
    return [await readSecret(file)];
  });
}

/** Like `loadSecrets`, but does not generate a secret. @throws ConfigError if there is none */
export async function findSecrets(configured: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (configured.length > 0) return configured;
  const file = generatedSecretFile(dataDir);
  if (!existsSync(file)) throw new ConfigError([`AUTH_SECRET: is not set, and there is none in ${dataDir}`]);
  return [await inDataDirectory(dataDir, () => readSecret(file))];
}

/** @throws ConfigError if the file is empty or damaged; a new secret could not decrypt existing data */
async function readSecret(file: string): Promise<string> {
  const secret = (await readFile(file, 'utf8')).trim();
  if (USABLE.test(secret)) return secret;
  throw new ConfigError([
    `AUTH_SECRET: is not set, and ${file} is empty or damaged; restore that file from a backup, or remove DATA_DIR to start over`,
  ]);
}
