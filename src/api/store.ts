/** Opens what everything else depends on: secrets, the migrated database and its clock. */
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

/** Opens the store. @throws ConfigError, or an error of the database, which is then closed */
export async function openStore(config: Config): Promise<Store> {
  const secrets = await loadSecrets(config.authSecrets, config.dataDir);
  const db = await openDatabase(config);
  try {
    if (config.migrateOnStart) await db.migrate();
    // Without Redis, events use LISTEN and NOTIFY.
    if (config.redis.url === undefined) await db.verifyListening();
    return { db, secrets, clock: await createSharedClock(db) };
  } catch (error) {
    await db.close();
    throw error;
  }
}
