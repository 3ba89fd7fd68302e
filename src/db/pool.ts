/**
 * A bounded pool of connections to a real Postgres: a deadline on every use, whatever the network does, and a bound on how
 * many wait for their turn. A connection that let a deadline pass is not used again.
 */
import type { ParameterOrJSON, Sql, UnsafeQueryOptions } from 'postgres';
import { AppError, serviceUnavailable } from '../errors.js';
import { connectionTemplate, openConnection, type Connection, type ConnectionSettings } from './connection.js';
import { withDeadline } from './deadline.js';
import { neverSent, outage, sqlStateOf } from './errors.js';

export interface PoolOptions extends ConnectionSettings {
  readonly size: number;
  /** How long a connection is used, in milliseconds: a balancer between here and Postgres spreads new ones anew. */
  readonly lifetimeMs?: number;
}

export interface Pool {
  /** What Drizzle takes for a client of postgres.js: statements are all prepared, the house has a fixed set of them. */
  readonly client: Sql;
  stats(): { readonly open: number; readonly waiting: number };
  /** Waits for what runs, though not longer than its deadline, and ends the connections. */
  close(): Promise<void>;
}

/** Callers that wait for a connection, per connection; past that the answer is SERVICE_UNAVAILABLE at once. */
const MAX_WAITING_PER_CONNECTION = 50;
/** An hour. */
const LIFETIME_MS = 3_600_000;

/** in_failed_sql_transaction */
const ABORTED = '25P02';

type Run = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

export function createPool({ size, lifetimeMs = LIFETIME_MS, ...settings }: PoolOptions): Pool {
  const { timeoutMs } = settings;
  const template = connectionTemplate(settings);
  /** Those that nobody uses; the last one that was used is the first one to be used again. */
  const idle: Connection[] = [];
  const waiting = new Set<() => void>();
  let running = 0;
  let closed = false;
  let onQuiet: () => void = () => undefined;

  function open(): Connection {
    const connection = openConnection(template, {
      onEnd() {
        const at = idle.indexOf(connection);
        if (at !== -1) idle.splice(at, 1);
      },
    });
    return connection;
  }

  function putBack(connection: Connection): void {
    if (connection.isLost()) return;
    if (performance.now() - connection.openedAt < lifetimeMs) idle.push(connection);
    else void connection.end();
  }

  async function turn(): Promise<void> {
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
  function leave(): void {
    const [next] = waiting;
    if (next) {
      waiting.delete(next);
      next();
      return;
    }
    running -= 1;
    if (running === 0) onQuiet();
  }

  /** Runs `work` with a connection of its own. */
  const lease: Run = async (work) => {
    await turn().catch((error: unknown) => {
      throw neverSent(error);
    });
    const connection = idle.pop() ?? open();
    try {
      return await withDeadline(work(connection), timeoutMs, () => connection.discard());
    } catch (error) {
      throw error instanceof AppError ? error : (outage(error) ?? error);
    } finally {
      putBack(connection);
      leave();
    }
  };

  const client = replacing(template, {
    unsafe: statements(lease),
    begin: (work: (tx: Sql) => Promise<unknown>) =>
      lease((connection) => Promise.race([transaction(connection, work), untilLost(connection)])),
  });

  return {
    client,
    stats: () => ({ open: running, waiting: waiting.size }),
    async close() {
      closed = true;
      if (running > 0) await new Promise<void>((resolve) => (onQuiet = resolve));
      await Promise.all(idle.splice(0).map((connection) => connection.end()));
    },
  };
}

/**
 * One transaction. It is begun and ended here and not by postgres.js, which rolls back on a connection that is lost as
 * well; nothing is sent on one, whatever `work` goes on to do.
 */
async function transaction(connection: Connection, work: (tx: Sql) => Promise<unknown>): Promise<unknown> {
  let failure: Error | undefined;
  const run: Run = async (each) => {
    if (connection.isLost()) throw connectionLost();
    try {
      return await each(connection);
    } catch (error) {
      if (error instanceof Error) failure ??= error;
      throw error;
    }
  };
  const control = (statement: string) => run((connection) => send(connection, connection.client.unsafe(statement)));

  await control('begin');
  try {
    const result = await work(replacing(connection.client, { unsafe: statements(run) }));
    // Postgres would roll back at the commit, and say nothing, when `work` swallowed a failure.
    if (failure) throw failure;
    await control('commit');
    return result;
  } catch (error) {
    if (!connection.isLost()) await control('rollback').catch(connection.discard);
    // Of statements that went together, those after the one that failed say only that they came too late.
    throw sqlStateOf(error) === ABORTED && failure ? failure : error;
  }
}

/** Rejects when the connection is lost: a transaction may be waiting for something else just then. */
function untilLost(connection: Connection): Promise<never> {
  return new Promise((_, reject) => connection.onLost((cause) => reject(connectionLost(cause))));
}

function connectionLost(cause?: unknown): AppError {
  return serviceUnavailable('The connection to the database was lost.', 1, cause);
}

/** The outcome of a query. After a fatal error Postgres hangs up: nobody is to use that connection in between. */
async function send(connection: Connection, query: Promise<unknown>): Promise<unknown> {
  try {
    return await query;
  } catch (error) {
    if (/^(?:FATAL|PANIC)$/.test((error as { severity?: string }).severity ?? '')) connection.discard(error);
    throw error;
  }
}

/** postgres.js's `unsafe`, as far as Drizzle uses it. */
function statements(run: Run) {
  return (text: string, parameters?: ParameterOrJSON<never>[], options?: UnsafeQueryOptions) => {
    const ask = (inArrays: boolean) =>
      run<unknown>((connection) => {
        const query = connection.client.unsafe(text, parameters, { ...options, prepare: true });
        return send(connection, inArrays ? query.values() : query);
      });
    return {
      values: () => ask(true),
      then: (...handlers: Parameters<Promise<unknown>['then']>) => ask(false).then(...handlers),
    };
  };
}

function replacing<T extends object>(target: T, members: Readonly<Record<string, unknown>>): T {
  return new Proxy(target, {
    get: (on, key): unknown => (key in members ? members[String(key)] : Reflect.get(on, key)),
  });
}
