/** Applies migrations, which drizzle-kit generates in the folder next to this file. Existing migrations never change. */
import { fileURLToPath } from 'node:url';
import { migrate } from 'drizzle-orm/pg-proxy/migrator';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import { serviceUnavailable, AppError } from '../lib/errors.js';
import type { DatabaseAddress } from '../config/database-url.js';
import { createOpener, type Query } from './connection.js';
import { withDeadline } from './deadline.js';
import { markUnsent, outage } from './errors.js';
import { createExecutor } from './executor.js';
import { runTransaction } from './transaction.js';

export const MIGRATIONS_FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));

/** The advisory lock for migrations: "ltch" in ASCII. */
export const MIGRATION_LOCK = 0x6c746368;
/** Ten minutes, for migrations of large tables. Other instances wait. */
const MIGRATION_TIMEOUT_MS = 600_000;
const TABLE = 'drizzle.__drizzle_migrations';

/** Every migration, in order. */
export function migrations(): MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER });
}

/**
 * Applies missing migrations in one transaction on a dedicated connection, one instance at a time.
 * @throws AppError SERVICE_UNAVAILABLE if the database is unavailable
 */
export async function migratePostgres(address: DatabaseAddress, timeoutMs: number): Promise<void> {
  const connection = await createOpener({ address, timeoutMs })
    .open()
    .catch((error: unknown) => {
      throw error instanceof AppError
        ? error
        : markUnsent(serviceUnavailable('The database is unavailable.', 1, error));
    });
  try {
    await withDeadline(runTransaction(connection, migrateIn), MIGRATION_TIMEOUT_MS, () => connection.discard());
  } catch (error) {
    throw outage(error) ?? error;
  } finally {
    await connection.end();
  }
}

async function migrateIn(query: Query): Promise<void> {
  await query(`set local statement_timeout = ${MIGRATION_TIMEOUT_MS}`);
  // A transaction-level lock, because a pooler may run the next transaction on another backend.
  await query(`select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
  if (await isMigrated(query)) return;
  const run = async (statements: string[]): Promise<void> => {
    for (const statement of statements) await query(statement);
  };
  await migrate(createExecutor(query), run, { migrationsFolder: MIGRATIONS_FOLDER });
}

/** Skips Drizzle if nothing is missing, because it needs the privilege to create its schema in any case. */
async function isMigrated(query: Query): Promise<boolean> {
  const [table] = (await query(`select to_regclass('${TABLE}') is not null as exists`)) as { exists: boolean }[];
  if (!table?.exists) return false;
  const [last] = (await query(`select max(created_at)::float8 as at from ${TABLE}`)) as { at: number | null }[];
  return (last?.at ?? 0) >= (migrations().at(-1)?.folderMillis ?? 0);
}
