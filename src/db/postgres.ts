/** A real Postgres through postgres.js. */
import { afterCommit, inTransaction } from './after-commit.js';
import { parseDatabaseUrl } from '../config/database-url.js';
import type { Database, Executor } from './database.js';
import { sqlStateOf } from './errors.js';
import { createExecutor } from './executor.js';
import { listenOnPostgres } from './listen.js';
import { migratePostgres } from './migrate.js';
import { createPool } from './pool.js';
import { verifyListening } from './verify-listening.js';

export interface PostgresOptions {
  readonly url: string;
  /** Where notifications are listened to; as `url` if unset. */
  readonly listenUrl?: string | undefined;
  readonly poolSize: number;
  /** How long a query, or a whole transaction, may take; milliseconds. */
  readonly timeoutMs: number;
}

/** On top of a statement's own deadline, for its way there. */
const SETTLE_MARGIN_MS = 1_000;
/** Postgres rolled one of two back that waited for each other: it may begin again. */
const DEADLOCK = '40P01';

/** Opens the pool; connections are made when first needed. @throws DatabaseUrlError */
export function openPostgres({ url, listenUrl, poolSize, timeoutMs }: PostgresOptions): Database {
  const address = parseDatabaseUrl(url);
  const pool = createPool({ address, size: poolSize, timeoutMs });
  const executor: Executor = createExecutor(pool.query);
  const settleMs = timeoutMs + SETTLE_MARGIN_MS;
  const run = <T>(work: (tx: Executor) => Promise<T>) => pool.transaction((query) => work(createExecutor(query)));

  return {
    kind: 'postgres',
    executor,
    transaction: (work) => retryAfterDeadlock(() => inTransaction(run, work, settleMs)),
    afterCommit,
    listen: (channel, listener) => listenOnPostgres({ ...listener, url: listenUrl ?? url, channel }),
    ping: pool.ping,
    async verifyListening() {
      await pool.ping();
      await verifyListening({ pooled: pool.isPooled(), listenUrl, timeoutMs });
    },
    migrate: () => migratePostgres(address, timeoutMs),
    stats: pool.stats,
    abort: pool.abort,
    close: pool.close,
  };
}

function retryAfterDeadlock<T>(attempt: () => Promise<T>): Promise<T> {
  return attempt().catch((error: unknown) => {
    if (sqlStateOf(error) === DEADLOCK) return attempt();
    throw error;
  });
}
