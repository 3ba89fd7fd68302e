/** A real Postgres through postgres.js: a bounded pool, and a deadline on every query whatever the network does. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres, { type ParameterOrJSON, type Sql, type TransactionSql } from 'postgres';
import { AppError, serviceUnavailable } from '../errors.js';
import { afterCommit, inTransaction } from './after-commit.js';
import { connectionOptions } from './connection.js';
import type { Database, Executor } from './database.js';
import { withDeadline } from './deadline.js';
import { outage, sqlStateOf } from './errors.js';
import { listenOnPostgres } from './listen.js';
import { MIGRATION_LOCK, MIGRATIONS_FOLDER } from './migrate.js';
import * as schema from './schema/index.js';

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize: number;
  /** How long a query, or a whole transaction, may take; milliseconds. */
  readonly timeoutMs: number;
}

/** Requests that wait for a connection, per connection; past that the answer is SERVICE_UNAVAILABLE at once. */
const MAX_WAITING_PER_CONNECTION = 50;
/** Migrating a large table may take long; another instance waits for it. Ten minutes. */
const MIGRATION_TIMEOUT_MS = 600_000;
const CLOSE_TIMEOUT_S = 5;
/** Postgres rolled one of two back that waited for each other: it may begin again. */
const DEADLOCK = '40P01';

/** Opens the pool; connections are made when first needed. */
export function openPostgres({ url, poolSize, timeoutMs }: PostgresOptions): Database {
  const client = postgres(url, { ...connectionOptions(timeoutMs), max: poolSize });
  const pool = boundPool(client, poolSize, timeoutMs);
  const executor: Executor = drizzle(pool.client, { schema, casing: 'snake_case' });

  return {
    kind: 'postgres',
    executor,
    transaction: (work) => pool.admit(() => runTransaction(executor, work, timeoutMs)),
    afterCommit,
    listen: (channel, listener) => listenOnPostgres({ ...listener, url, channel }),
    async ping() {
      await pool.client.unsafe('select 1');
    },
    migrate: () => migrateOnce(url),
    stats: pool.stats,
    close: () => client.end({ timeout: CLOSE_TIMEOUT_S }),
  };
}

/**
 * The client as Drizzle uses it, with a deadline on each query and a bound on how many wait. Who waits, waits here and
 * not in postgres.js: a query taken back from its queue would leave a connection that was opened for it stuck for good.
 */
function boundPool(client: Sql, poolSize: number, timeoutMs: number) {
  const waiting = new Set<() => void>();
  let running = 0;

  async function turn(): Promise<void> {
    if (running < poolSize) {
      running += 1;
      return;
    }
    if (waiting.size >= poolSize * MAX_WAITING_PER_CONNECTION) throw serviceUnavailable('The database is overloaded.');
    let enter: (() => void) | undefined;
    const entered = new Promise<void>((resolve) => waiting.add((enter = resolve)));
    await withDeadline(entered, timeoutMs, () => enter && waiting.delete(enter));
  }

  /** Hands the place on to whoever waits longest. */
  function leave(): void {
    const [next] = waiting;
    if (!next) {
      running -= 1;
      return;
    }
    waiting.delete(next);
    next();
  }

  async function admit<T>(work: () => Promise<T>): Promise<T> {
    await turn();
    try {
      return await work();
    } catch (error) {
      throw error instanceof AppError ? error : (outage(error) ?? error);
    } finally {
      leave();
    }
  }

  function unsafe(text: string, parameters?: ParameterOrJSON<never>[], options?: postgres.UnsafeQueryOptions) {
    const run = (inArrays: boolean) =>
      admit(() => {
        const query = client.unsafe(text, parameters, { ...options, prepare: true });
        return withDeadline<unknown>(inArrays ? query.values() : query, timeoutMs);
      });
    return {
      values: () => run(true),
      then: (...handlers: Parameters<Promise<unknown>['then']>) => run(false).then(...handlers),
    };
  }

  /** Drizzle begins a transaction with a client of its own, whose statements are to be prepared as well. */
  const begin = (work: (tx: TransactionSql) => Promise<unknown>) => client.begin((tx) => work(preparing(tx)));

  return {
    admit,
    client: replacing(client, { unsafe, begin }),
    stats: () => ({ open: running, waiting: waiting.size }),
  };
}

/** A client whose statements are all prepared, once a connection: the house has a fixed set of them. */
function preparing(tx: TransactionSql): TransactionSql {
  const unsafe: TransactionSql['unsafe'] = (text, parameters, options) =>
    tx.unsafe(text, parameters, { ...options, prepare: true });
  return replacing(tx, { unsafe });
}

function replacing<T extends object>(target: T, members: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get: (on, key): unknown => (key in members ? members[String(key)] : Reflect.get(on, key)),
  });
}

/** One transaction within the deadline: once late it rolls back, and the caller was told that it failed. */
function runTransaction<T>(executor: Executor, work: (tx: Executor) => Promise<T>, timeoutMs: number): Promise<T> {
  let late = false;
  const refuseWhenLate = () => {
    if (late) throw serviceUnavailable('The database took too long.');
  };
  const attempt = () =>
    inTransaction(executor, async (tx) => {
      refuseWhenLate();
      const result = await work(tx);
      refuseWhenLate();
      return result;
    });
  const running = attempt().catch((error: unknown) => {
    if (sqlStateOf(error) === DEADLOCK) return attempt();
    throw error;
  });
  return withDeadline(running, timeoutMs, () => (late = true));
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
