/** A connection to a Postgres server that accepts writes. One caller uses it at a time, and it is not reused once lost. */
import type { ParameterOrJSON } from 'postgres';
import { serviceUnavailable, type AppError } from '../lib/errors.js';
import type { DatabaseAddress, Host } from '../config/database-url.js';
import { createClient } from './client.js';
import { withDeadline } from './deadline.js';
import { sqlStateOf } from './errors.js';

/** Runs a statement. @param inArrays returns rows as arrays instead of objects */
export type Query = (text: string, parameters?: readonly unknown[], inArrays?: boolean) => Promise<readonly unknown[]>;

export interface PostgresConnection {
  /** On the clock of `performance.now()`. */
  readonly openedAt: number;
  /** Whether the connection goes through a pooler such as PgBouncer, which may run each transaction on another backend. */
  readonly pooled: boolean;
  /** Runs statements one at a time, in call order. */
  readonly query: Query;
  isLost(): boolean;
  /** Closes the connection immediately. Running statements fail, and Postgres rolls back an open transaction. */
  discard(cause?: unknown): void;
  /** Sets the listener for the loss of the connection; replaces the previous one. */
  onLost(listener: (cause: unknown) => void): void;
  /** Closes the connection gracefully, within a second. */
  end(): Promise<void>;
}

export interface OpenerOptions {
  readonly address: DatabaseAddress;
  /** Timeout for connecting and for a statement, in milliseconds. */
  readonly timeoutMs: number;
}

export interface Opener {
  /**
   * Opens a connection to the first host that accepts writes.
   * @param onEnd called once when the connection ends
   * @param signal aborts connecting
   * @throws the error of the last host
   */
  open(onEnd?: (connection: PostgresConnection) => void, signal?: AbortSignal): Promise<PostgresConnection>;
  /** Whether the last opened connection goes through a pooler. */
  isPooled(): boolean;
}

/** SQLSTATE read_only_sql_transaction. */
export const READ_ONLY = '25006';
const HELLO = `select pg_backend_pid() as pid, current_setting('transaction_read_only') as read_only`;

export function createOpener({ address, timeoutMs }: OpenerOptions): Opener {
  let pooled = address.pooler;

  async function openOnHost(host: Host, onEnd: (connection: PostgresConnection) => void, signal?: AbortSignal) {
    let tellUser: (cause: unknown) => void = () => undefined;
    let cause: unknown;
    const client = createClient({
      address,
      host,
      timeoutMs,
      // Poolers reject these settings. `search_path` prevents lookups in schemas that other roles can write to.
      settings: pooled
        ? {}
        : {
            statement_timeout: timeoutMs,
            idle_in_transaction_session_timeout: timeoutMs * 2,
            search_path: 'public',
          },
      onEnd() {
        onEnd(connection);
        tellUser(cause);
      },
    });
    let last: Promise<unknown> = Promise.resolve();
    const query: Query = (text, parameters = [], inArrays = false) => {
      const run = last.then(async () => {
        if (client.isLost()) throw connectionLost(cause);
        const asked = client.sql.unsafe(text, [...parameters] as ParameterOrJSON<never>[], { prepare: !pooled });
        return inArrays ? asked.values() : asked;
      });
      last = run.catch(() => undefined);
      return run;
    };
    const connection: PostgresConnection = {
      openedAt: performance.now(),
      get pooled() {
        return pooled;
      },
      query,
      isLost: client.isLost,
      discard(reason) {
        cause = reason;
        client.destroy();
      },
      onLost: (listener) => void (tellUser = listener),
      end: client.end,
    };
    const abort = (): void => connection.discard();
    signal?.addEventListener('abort', abort);
    try {
      const hello = client.sql.unsafe(HELLO);
      const { [0]: row, state } = await withDeadline(hello, timeoutMs);
      if (row?.['read_only'] === 'on') throw readOnly();
      // A pooler reports its own process id instead of the backend's.
      pooled ||= row?.['pid'] !== state.pid;
      return connection;
    } catch (error) {
      connection.discard();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  return {
    isPooled: () => pooled,
    async open(onEnd = () => undefined, signal) {
      let failure: unknown;
      for (const host of address.hosts) {
        // A concurrent connection may detect the pooler first.
        const hadSettings = !pooled;
        try {
          return await openOnHost(host, onEnd, signal).catch((error: unknown) => {
            if (!hadSettings || !refusesSettings(error)) throw error;
            pooled = true;
            return openOnHost(host, onEnd, signal);
          });
        } catch (error) {
          failure = error;
        }
        if (signal?.aborted) break;
      }
      throw failure;
    },
  };
}

/** Whether the error is PgBouncer's for a startup parameter that it does not track. */
function refusesSettings(error: unknown): boolean {
  return sqlStateOf(error) === '08P01' && /unsupported startup parameter/.test((error as Error).message);
}

export function readOnly(): AppError {
  return serviceUnavailable(
    'The database accepts no writes.',
    1,
    new Error('the server is read-only, a standby perhaps'),
  );
}

export function connectionLost(cause?: unknown): AppError {
  return serviceUnavailable('The connection to the database was lost.', 1, cause);
}
