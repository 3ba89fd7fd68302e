/** Embedded Postgres (PGlite), in a directory that one process locks, or in memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { afterCommit, inTransaction } from './after-commit.js';
import { dataDirectory, IN_MEMORY, inDataDirectory, privateDirectory } from '../config/data-directory.js';
import type { Database, Executor } from './database.js';
import { outage } from './errors.js';
import { lockDirectory, type DirectoryLock } from './directory-lock.js';
import { MIGRATIONS_FOLDER } from './migrate.js';

const FOLDER = 'postgres';

/** Opens the database in `dataDir`. @throws DirectoryHeldError if another process holds it; ConfigError if it cannot be used */
export async function openEmbedded(dataDir: string): Promise<Database> {
  if (dataDir === IN_MEMORY) return embedded(await PGlite.create());
  await dataDirectory(dataDir);
  const lock = await inDataDirectory(dataDir, () => lockDirectory(dataDir));
  try {
    const directory = join(dataDir, FOLDER);
    await inDataDirectory(dataDir, () => privateDirectory(directory));
    return embedded(await PGlite.create({ dataDir: directory }), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Whether `dataDir` contains a database. */
export function hasEmbedded(dataDir: string): boolean {
  return existsSync(join(dataDir, FOLDER, 'PG_VERSION'));
}

/** Wraps a PGlite, which is a single connection: other calls wait during a transaction. */
export function embedded(client: PGlite, lock?: DirectoryLock): Database {
  const database = drizzle(client, { casing: 'snake_case' });
  const executor: Executor = database;
  let waiting = 0;
  async function countWaiting<T>(run: () => Promise<T>): Promise<T> {
    waiting += 1;
    try {
      return await run();
    } catch (error) {
      throw outage(error) ?? error;
    } finally {
      waiting -= 1;
    }
  }
  return {
    kind: 'embedded',
    executor,
    transaction: (work) => countWaiting(() => inTransaction((begun) => executor.transaction(begun), work)),
    afterCommit,
    listen(channel, { onMessage, onConnection }) {
      const begun = client.listen(channel, onMessage);
      // Ignores a database that was closed before it listened.
      begun.then(
        () => onConnection(true),
        () => undefined,
      );
      return {
        async close() {
          if (!client.closed) await (await begun)();
          onConnection(false);
        },
      };
    },
    verifyListening: async () => undefined,
    async ping() {
      await client.query('select 1').catch((error: unknown) => {
        throw outage(error) ?? error;
      });
    },
    migrate: () => migrate(database, { migrationsFolder: MIGRATIONS_FOLDER }),
    // Statements run in this process and cannot hang.
    abort: () => undefined,
    stats: () => ({ inUse: client.closed ? 0 : 1, waiting: Math.max(0, waiting - 1) }),
    async close() {
      if (!client.closed) await client.close();
      lock?.release();
    },
  };
}
