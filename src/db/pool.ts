/**
 * A bounded pool of connections to a real Postgres: a deadline on every use, whatever the network does, and a bound on how
 * many wait for their turn and on how often a server that is away is dialled. A connection that let a deadline pass is not
 * used again.
 */
import { AppError, serviceUnavailable } from '../lib/errors.js';
import { createBackoff } from './backoff.js';
import {
  createOpener,
  READ_ONLY,
  readOnly,
  type PostgresConnection,
  type OpenerOptions,
  type Query,
} from './connection.js';
import { withDeadline } from './deadline.js';
import { markUnsent, outage, sqlStateOf } from './errors.js';
import { runTransaction } from './transaction.js';

export interface PoolOptions extends OpenerOptions {
  readonly size: number;
  /** How long a connection is used, in milliseconds: a balancer between here and Postgres spreads new ones anew. */
  readonly lifetimeMs?: number;
}

export interface Pool {
  /** Runs a statement on its own. */
  readonly query: Query;
  /** Runs `work` in one transaction (READ COMMITTED). */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Resolves when the database answers and accepts writes. */
  ping(): Promise<void>;
  /** Whether a pooler such as PgBouncer is in between, as far as connections have been opened. */
  isPooled(): boolean;
  stats(): { readonly inUse: number; readonly waiting: number };
  /** From now on every use is refused, and those that run fail. */
  abort(): void;
  /** Waits for what runs, though not longer than its deadline, and ends the connections. */
  close(): Promise<void>;
}

/** Callers that wait for a connection, per connection; past that the answer is SERVICE_UNAVAILABLE at once. */
const MAX_WAITING_PER_CONNECTION = 50;
/** An hour. */
const LIFETIME_MS = 3_600_000;

export function createPool({ size, lifetimeMs = LIFETIME_MS, ...settings }: PoolOptions): Pool {
  const { timeoutMs } = settings;
  const opener = createOpener(settings);
  const backoff = createBackoff();
  const shutdown = new AbortController();
  /** Those that nobody uses; the last one that was used is the first one to be used again. */
  const idle: PostgresConnection[] = [];
  const used = new Set<PostgresConnection>();
  const waiting = new Set<() => void>();
  let lastFailure: unknown;
  let running = 0;
  let closed = false;
  let onQuiet: () => void = () => undefined;

  /** Waits for one of the places, of which there are as many as connections. */
  async function acquireSlot(): Promise<void> {
    if (closed) throw serviceUnavailable('The database is closed.');
    if (running < size) {
      running += 1;
      return;
    }
    if (waiting.size >= size * MAX_WAITING_PER_CONNECTION) throw serviceUnavailable('The database is overloaded.');
    let enter: (() => void) | undefined;
    const entered = new Promise<void>((resolve) => waiting.add((enter = resolve)));
    await withDeadline(entered, timeoutMs, () => enter && waiting.delete(enter));
  }

  /** Hands the place on to whoever waits longest. */
  function releaseSlot(): void {
    const [next] = waiting;
    if (next) {
      waiting.delete(next);
      next();
      return;
    }
    running -= 1;
    if (running === 0) onQuiet();
  }

  async function open(): Promise<PostgresConnection> {
    if (shutdown.signal.aborted) throw serviceUnavailable('The database is closed.');
    const report = backoff.attempt();
    if (!report) throw serviceUnavailable('The database is away.', 1, lastFailure);
    try {
      const connection = await opener.open(forget, shutdown.signal);
      report(true);
      return connection;
    } catch (error) {
      report(false);
      lastFailure = error;
      throw error instanceof AppError ? error : serviceUnavailable('The database is away.', 1, error);
    }
  }

  function forget(connection: PostgresConnection): void {
    const at = idle.indexOf(connection);
    if (at !== -1) idle.splice(at, 1);
  }

  /** A server that is gone, or has become a standby, is gone for all of them. */
  function dropIdle(): void {
    for (const connection of idle.splice(0)) connection.discard();
  }

  function putBack(connection: PostgresConnection): void {
    used.delete(connection);
    if (connection.isLost()) return;
    if (performance.now() - connection.openedAt < lifetimeMs) idle.push(connection);
    else void connection.end();
  }

  /** Runs `work` with a connection of its own. */
  async function withConnection<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    await acquireSlot().catch((error: unknown) => {
      throw markUnsent(error);
    });
    let connection: PostgresConnection | undefined;
    try {
      connection =
        idle.pop() ??
        (await open().catch((error: unknown) => {
          throw markUnsent(error);
        }));
      used.add(connection);
      return await runBounded(connection, work);
    } catch (error) {
      if (sqlStateOf(error) === READ_ONLY) {
        connection?.discard();
        dropIdle();
      }
      throw error instanceof AppError ? error : (outage(error) ?? error);
    } finally {
      if (connection) putBack(connection);
      releaseSlot();
    }
  }

  function runBounded<T>(
    connection: PostgresConnection,
    work: (connection: PostgresConnection) => Promise<T>,
  ): Promise<T> {
    return withDeadline(work(connection), timeoutMs, () => {
      connection.discard();
      dropIdle();
    });
  }

  return {
    query: (...statement) => withConnection((connection) => connection.query(...statement)),
    transaction: (work) => withConnection((connection) => runTransaction(connection, work)),
    ping: () =>
      withConnection(async (connection) => {
        const [row] = await connection.query(`select current_setting('transaction_read_only') as read_only`);
        if ((row as { read_only: string }).read_only !== 'on') return;
        connection.discard();
        dropIdle();
        throw readOnly();
      }),
    isPooled: opener.isPooled,
    stats: () => ({ inUse: running, waiting: waiting.size }),
    abort() {
      closed = true;
      shutdown.abort();
      for (const connection of [...used, ...idle.splice(0)]) connection.discard();
    },
    async close() {
      closed = true;
      if (running > 0) await new Promise<void>((resolve) => (onQuiet = resolve));
      await Promise.all(idle.splice(0).map((connection) => connection.end()));
    },
  };
}
