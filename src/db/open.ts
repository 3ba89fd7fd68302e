/** Opens the configured database: a Postgres server, or the embedded database. */
import type { Database } from './database.js';
import { openEmbedded } from './embedded.js';
import { openPostgres } from './postgres.js';

export interface OpenOptions {
  /** Undefined: the embedded database. */
  readonly databaseUrl: string | undefined;
  /** Undefined: same as `databaseUrl`. */
  readonly databaseListenUrl?: string | undefined;
  readonly dataDir: string;
  readonly databasePoolSize: number;
  readonly databaseTimeoutMs: number;
}

/** @throws DirectoryHeldError if another process holds the directory of the embedded database */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { databaseUrl: url, databaseListenUrl: listenUrl, dataDir, databasePoolSize, databaseTimeoutMs } = options;
  if (url === undefined) return openEmbedded(dataDir);
  return openPostgres({ url, listenUrl, poolSize: databasePoolSize, timeoutMs: databaseTimeoutMs });
}
