/** A Postgres server, accessed with postgres.js. */
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
  /** The server for LISTEN; defaults to `url`. */
  readonly listenUrl?: string | undefined;
  readonly poolSize: number;
  /** Deadline of a query or a whole transaction, in milliseconds. */
  readonly timeoutMs: number;
}

/** Added to the deadline of a statement, for network latency. */
const SETTLE_MARGIN_MS = 1_000;
/** SQLSTATE deadlock_detected: the transaction was rolled back and can be retried. */
const DEADLOCK = '40P01';

/** Creates the pool. Connections are opened on demand. @throws DatabaseUrlError */
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
