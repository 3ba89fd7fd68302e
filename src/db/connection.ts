/** One connection to a Postgres that accepts writes, used by one caller at a time and never again once it is lost. */
import type { ParameterOrJSON } from 'postgres';
import { serviceUnavailable, type AppError } from '../lib/errors.js';
import type { DatabaseAddress, Host } from '../config/database-url.js';
import { createClient } from './client.js';
import { withDeadline } from './deadline.js';
import { sqlStateOf } from './errors.js';

/** Runs a statement. @param inArrays rows as arrays in place of objects */
export type Query = (text: string, parameters?: readonly unknown[], inArrays?: boolean) => Promise<readonly unknown[]>;

export interface PostgresConnection {
  /** On the clock of `performance.now()`. */
  readonly openedAt: number;
  /** Whether a pooler such as PgBouncer is in between, which may run each transaction on another server process. */
  readonly pooled: boolean;
  /** Statements run in the order in which they are asked for, one at a time. */
  readonly query: Query;
  isLost(): boolean;
  /** Ends it at once, whatever the other end does; Postgres rolls back what was open. What runs on it fails. */
  discard(cause?: unknown): void;
  /** Who uses it is told when it is lost; the last one who asked. */
  onLost(listener: (cause: unknown) => void): void;
  /** Takes leave of the server first, for which it has a second. */
  end(): Promise<void>;
}

export interface OpenerOptions {
  readonly address: DatabaseAddress;
  /** How long connecting may take, and a statement; milliseconds. */
  readonly timeoutMs: number;
}

export interface Opener {
  /**
   * Opens a connection to the first server that accepts writes.
   * @param onEnd called once, when the connection has come to an end
   * @param signal ends what was begun
   * @throws the reason for which the last of the servers cannot be used
   */
  open(onEnd?: (connection: PostgresConnection) => void, signal?: AbortSignal): Promise<PostgresConnection>;
  /** Whether the last connection that was opened leads to a pooler. */
  isPooled(): boolean;
}

/** Postgres's own for what a server that only reads refuses. */
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
      // Poolers refuse these. Names that somebody else could put ahead of ours are looked for in no other schema.
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
      // A pooler tells clients numbers of its own in place of the server process's.
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
        // Connections that are opened at the same time may find the pooler before this one does.
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

/** PgBouncer's words; it takes only settings that it keeps track of. */
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
