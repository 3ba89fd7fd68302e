/** Opens the database that the configuration names: a real Postgres, or the embedded one. */
import type { Database } from './database.js';
import { openEmbedded } from './embedded.js';
import { openPostgres } from './postgres.js';

export interface OpenOptions {
  /** Unset: embedded. */
  readonly databaseUrl: string | undefined;
  /** Unset: as `databaseUrl`. */
  readonly databaseListenUrl?: string | undefined;
  readonly dataDir: string;
  readonly databasePoolSize: number;
  readonly databaseTimeoutMs: number;
}

/** @throws DirectoryHeldError when another process holds the embedded database's directory */
export async function openDatabase(options: OpenOptions): Promise<Database> {
  const { databaseUrl: url, databaseListenUrl: listenUrl, dataDir, databasePoolSize, databaseTimeoutMs } = options;
  if (url === undefined) return openEmbedded(dataDir);
  return openPostgres({ url, listenUrl, poolSize: databasePoolSize, timeoutMs: databaseTimeoutMs });
}
