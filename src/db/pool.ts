/**
 * A connection pool for a Postgres server. Every use has a deadline. The number of waiting callers and the rate of reconnects are
 * bounded. A connection that missed a deadline is discarded.
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
  /** Maximum age of a connection, in milliseconds, so a load balancer can redistribute connections. */
  readonly lifetimeMs?: number;
}

export interface Pool {
  /** Runs a statement outside a transaction. */
  readonly query: Query;
  /** Runs `work` in one transaction (READ COMMITTED). */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** Resolves if the database responds and accepts writes. */
  ping(): Promise<void>;
  /** Whether the connections opened so far go through a pooler such as PgBouncer. */
  isPooled(): boolean;
  stats(): { readonly inUse: number; readonly waiting: number };
  /** Rejects new calls and fails running ones. */
  abort(): void;
  /** Waits for running calls, at most until their deadline, and closes the connections. */
  close(): Promise<void>;
}

/** Waiting callers per connection. Beyond that, calls fail immediately with SERVICE_UNAVAILABLE. */
const MAX_WAITING_PER_CONNECTION = 50;
/** An hour. */
const LIFETIME_MS = 3_600_000;

export function createPool({ size, lifetimeMs = LIFETIME_MS, ...settings }: PoolOptions): Pool {
  const { timeoutMs } = settings;
  const opener = createOpener(settings);
  const backoff = createBackoff();
  const shutdown = new AbortController();
  /** A stack: the most recently used connection is reused first. */
  const idle: PostgresConnection[] = [];
  const used = new Set<PostgresConnection>();
  const waiting = new Set<() => void>();
  let lastFailure: unknown;
  let running = 0;
  let closed = false;
  let onQuiet: () => void = () => undefined;

  /** Waits for a slot. There are as many slots as connections. */
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

  /** Passes the slot to the caller that waits longest. */
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
    if (!report) throw serviceUnavailable('The database is unavailable.', 1, lastFailure);
    try {
      const connection = await opener.open(forget, shutdown.signal);
      report(true);
      return connection;
    } catch (error) {
      report(false);
      lastFailure = error;
      throw error instanceof AppError ? error : serviceUnavailable('The database is unavailable.', 1, error);
    }
  }

  function forget(connection: PostgresConnection): void {
    const at = idle.indexOf(connection);
    if (at !== -1) idle.splice(at, 1);
  }

  /** If a server is gone or has become a standby, all its connections are unusable. */
  function dropIdle(): void {
    for (const connection of idle.splice(0)) connection.discard();
  }

  function putBack(connection: PostgresConnection): void {
    used.delete(connection);
    if (connection.isLost()) return;
    if (performance.now() - connection.openedAt < lifetimeMs) idle.push(connection);
    else void connection.end();
  }

  /** Runs `work` with exclusive use of a connection. */
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
