/** What must be open before anything else: secrets, and a migrated database with its clock. */
import type { Config } from '../config/config.js';
import { loadSecrets } from '../config/secrets.js';
import { createSharedClock, type SharedClock } from '../db/clock.js';
import type { Database } from '../db/database.js';
import { openDatabase } from '../db/open.js';

export interface Store {
  readonly db: Database;
  readonly secrets: readonly string[];
  readonly clock: SharedClock;
}

/** @throws ConfigError, and what the database throws; it is closed then */
export async function openStore(config: Config): Promise<Store> {
  const secrets = await loadSecrets(config.authSecrets, config.dataDir);
  const db = await openDatabase(config);
  try {
    if (config.migrateOnStart) await db.migrate();
    // Events go through Redis where there is one.
    if (config.redis.url === undefined) await db.verifyListening();
    return { db, secrets, clock: await createSharedClock(db) };
  } catch (error) {
    await db.close();
    throw error;
  }
}
