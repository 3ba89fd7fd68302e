/** A real Postgres through postgres.js. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { afterCommit, inTransaction } from './after-commit.js';
import type { Database, Executor } from './database.js';
import { outage, sqlStateOf } from './errors.js';
import { listenOnPostgres } from './listen.js';
import { MIGRATION_LOCK, MIGRATIONS_FOLDER } from './migrate.js';
import { createPool } from './pool.js';
import * as schema from './schema/index.js';
import { together } from './together.js';

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize: number;
  /** How long a query, or a whole transaction, may take; milliseconds. */
  readonly timeoutMs: number;
}

/** Migrating a large table may take long; another instance waits for it. Ten minutes. */
const MIGRATION_TIMEOUT_MS = 600_000;
const CLOSE_TIMEOUT_S = 5;
/** On top of a statement's own deadline, for its way there. */
const SETTLE_MARGIN_MS = 1_000;
/** Postgres rolled one of two back that waited for each other: it may begin again. */
const DEADLOCK = '40P01';

/** Opens the pool; connections are made when first needed. */
export function openPostgres({ url, poolSize, timeoutMs }: PostgresOptions): Database {
  const pool = createPool({ url, size: poolSize, timeoutMs });
  const executor: Executor = drizzle(pool.client, { schema, casing: 'snake_case' });
  const settleMs = timeoutMs + SETTLE_MARGIN_MS;

  return {
    kind: 'postgres',
    executor,
    transaction: (work) => againAfterDeadlock(() => inTransaction(executor, work, settleMs)),
    together: (work) => againAfterDeadlock(() => together(executor, work, settleMs)),
    afterCommit,
    listen: (channel, listener) => listenOnPostgres({ ...listener, url, channel }),
    async ping() {
      await pool.client.unsafe('select 1');
    },
    migrate: () => migrateOnce(url),
    stats: pool.stats,
    close: pool.close,
  };
}

function againAfterDeadlock<T>(attempt: () => Promise<T>): Promise<T> {
  return attempt().catch((error: unknown) => {
    if (sqlStateOf(error) === DEADLOCK) return attempt();
    throw error;
  });
}

/** On a connection of its own, one instance at a time; those that come second find nothing to do. */
async function migrateOnce(url: string): Promise<void> {
  const client = postgres(url, {
    max: 1,
    onnotice: () => undefined,
    connection: { statement_timeout: MIGRATION_TIMEOUT_MS },
  });
  try {
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await migrate(drizzle(client, { casing: 'snake_case' }), { migrationsFolder: MIGRATIONS_FOLDER });
  } catch (error) {
    throw outage(error) ?? error;
  } finally {
    await client.end({ timeout: CLOSE_TIMEOUT_S });
  }
}
