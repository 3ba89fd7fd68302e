/** What the rest of the house knows of the database: an executor for repositories, and transactions. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';

/** Runs statements: the database itself, or one transaction of it. Repositories take it, services pass it on. */
export type Executor = PgDatabase<PgQueryResultHKT>;

/** Whom the database tells of a channel's notifications. */
export interface Listener {
  /** Gets each notification's payload, in the order of the commits. */
  onMessage(payload: string): void;
  /** Whether notifications arrive; those in between are lost. It begins with false. */
  onConnection(connected: boolean): void;
}

export interface Listening {
  close(): Promise<void>;
}

/** A Postgres, embedded or real. */
export interface Database {
  readonly kind: 'embedded' | 'postgres';
  /** Statements outside a transaction; each is its own. */
  readonly executor: Executor;
  /**
   * Runs `work` in one transaction (READ COMMITTED); throwing rolls back. After a deadlock it runs a second time.
   * @throws AppError SERVICE_UNAVAILABLE when the database is away or the deadline passed
   */
  transaction<T>(work: (tx: Executor) => Promise<T>): Promise<T>;
  /**
   * Calls `work`, which must not throw, once the transaction has committed, and never when Postgres refused it or nothing
   * was sent. When the database was lost meanwhile nobody knows: it is called then as well, after as long as Postgres
   * may go on with what has reached it. Outside a transaction it is called at once.
   */
  afterCommit(tx: Executor, work: () => void): void;
  /**
   * Listens to what `pg_notify` tells a channel, whose name needs no quoting inside quotes, however often the
   * connection is lost.
   */
  listen(channel: string, listener: Listener): Listening;
  /**
   * Verifies that notifications reach `listen`, which poolers may keep them from.
   * @throws DatabaseSetupError when they do not
   */
  verifyListening(): Promise<void>;
  /** Resolves when the database answers and accepts writes; rejects with SERVICE_UNAVAILABLE otherwise. */
  ping(): Promise<void>;
  /** Applies the migrations that are missing; safe to call from many instances at once. */
  migrate(): Promise<void>;
  /** Open and waiting connections, for metrics. */
  stats(): { readonly inUse: number; readonly waiting: number };
  /** Refuses every use from now on, and fails what runs, so that a stop waits for no answer. */
  abort(): void;
  /** Lets what runs finish (bounded), then closes. */
  close(): Promise<void>;
}
