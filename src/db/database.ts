/** The database interface: an executor for repositories, transactions, and notifications. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** Runs statements, either on the database or in a transaction. Services pass it to repositories. */
export type Executor = PgDatabase<PgQueryResultHKT>;

/** Receives the notifications of a channel. */
export interface Listener {
  /** Called with the payload of each notification, in commit order. */
  onMessage(payload: string): void;
  /** Called when the connection is established or lost. Initially it is not connected. Notifications in between are lost. */
  onConnection(connected: boolean): void;
}

export interface Listening {
  close(): Promise<void>;
}

/** A Postgres server, or the embedded database. */
export interface Database {
  readonly kind: 'embedded' | 'postgres';
  /** Runs statements outside a transaction. */
  readonly executor: Executor;
  /**
   * Runs `work` in a transaction (READ COMMITTED). Rolls back if `work` throws. Retries once after a deadlock.
   * @throws AppError SERVICE_UNAVAILABLE if the database is unavailable or the deadline passed
   */
  transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T>;
  /**
   * Calls `work` after the commit. `work` must not throw. It is not called if Postgres rejected the transaction or nothing was sent. If
   * the connection was lost during the commit, the outcome is unknown, and `work` is called after the time that Postgres may
   * need to finish. Outside a transaction, it is called immediately.
   */
  afterCommit(tx: Executor, work: () => void): void;
  /**
   * Listens on a channel and reconnects as often as needed. The channel name must be valid inside double quotes.
   */
  listen(channel: string, listener: Listener): Listening;
  /**
   * Verifies that notifications reach `listen`, because some poolers do not deliver them.
   * @throws DatabaseSetupError if they do not arrive
   */
  verifyListening(): Promise<void>;
  /** Resolves if the database responds and accepts writes; rejects with SERVICE_UNAVAILABLE otherwise. */
  ping(): Promise<void>;
  /** Applies missing migrations. Instances can call it concurrently. */
  migrate(): Promise<void>;
  /** Connections in use, and callers that wait for one, for metrics. */
  stats(): { readonly inUse: number; readonly waiting: number };
  /** Rejects new calls and fails running ones, so shutdown does not wait for the database. */
  abort(): void;
  /** Waits for running calls (bounded), then closes. */
  close(): Promise<void>;
}
