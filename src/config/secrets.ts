/** The secrets that keys are derived from: configured, or generated once for development. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config.js';
import { dataDirectory, IN_MEMORY, inDataDirectory } from './data-directory.js';

const FILE = 'auth-secret';
const SECRET_BYTES = 48;
/** At least 32 characters that a person can copy; a file system that lost power leaves empty or zeroed files. */
const USABLE = /^[\x21-\x7e]{32,}$/;

/** Where the secret is that is generated when AUTH_SECRET is not set. */
export const generatedSecretFile = (dataDir: string): string => join(dataDir, FILE);

/**
 * AUTH_SECRET's list; without one (which production refuses), a secret that is generated and kept in
 * `DATA_DIR/auth-secret` with mode 0600. Processes that start at once agree on one.
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
    // On the disk before it is used: whatever it encrypts must not outlive it.
    await writeFile(draft, fresh, { mode: 0o600, flush: true });
    // Linked into place, so that nobody reads half of it and the first one stays.
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await rm(draft);
    await chmod(file, 0o600);
    return [await readSecret(file)];
  });
}

/** The same without making any. @throws ConfigError where there is none */
export async function findSecrets(configured: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (configured.length > 0) return configured;
  const file = generatedSecretFile(dataDir);
  if (!existsSync(file)) throw new ConfigError([`AUTH_SECRET: is not set, and there is none in ${dataDir}`]);
  return [await inDataDirectory(dataDir, () => readSecret(file))];
}

/** @throws ConfigError if the file is empty or damaged: what was encrypted under the lost secret could not be read */
async function readSecret(file: string): Promise<string> {
  const secret = (await readFile(file, 'utf8')).trim();
  if (USABLE.test(secret)) return secret;
  throw new ConfigError([
    `AUTH_SECRET: is not set, and ${file} is empty or damaged; restore that file from a backup, or remove DATA_DIR to begin anew`,
  ]);
}
