/** The secrets that the house derives its keys from: configured, or made once for development. */
import { randomBytes } from 'node:crypto';
import { chmod, link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from './config.js';
import { dataDirectory } from './db/data-directory.js';
import { IN_MEMORY } from './db/embedded.js';

const FILE = 'auth-secret';
const SECRET_BYTES = 48;

/**
 * AUTH_SECRET's list; without one (which production refuses), a secret that is generated and kept in
 * `DATA_DIR/auth-secret` with mode 0600. Processes that start at once agree on one.
 */
export async function loadSecrets(configured: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (configured.length > 0) return configured;
  const fresh = randomBytes(SECRET_BYTES).toString('base64url');
  if (dataDir === IN_MEMORY) return [fresh];
  await dataDirectory(dataDir);
  const file = join(dataDir, FILE);
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, fresh, { mode: 0o600 });
  // Linked into place, so that nobody reads half of it and the first one stays.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
  await chmod(file, 0o600);
  return [await kept(file)];
}

/** The same without making any. @throws ConfigError where there is none */
export async function findSecrets(configured: readonly string[], dataDir: string): Promise<readonly string[]> {
  if (configured.length > 0) return configured;
  const secret = await kept(join(dataDir, FILE)).catch(() => undefined);
  if (secret === undefined) throw new ConfigError([`AUTH_SECRET: is not set, and there is none in ${dataDir}`]);
  return [secret];
}

async function kept(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}
