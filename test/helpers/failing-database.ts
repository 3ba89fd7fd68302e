/** A database that is lost at a chosen moment of a request, and is there again for the next one. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database, Executor } from '../../src/db/database.js';
import { serviceUnavailable } from '../../src/lib/errors.js';

export interface FailingDatabase {
  readonly db: Database;
  /**
   * Runs `work`, whose operation number `at` fails, and every later one. An operation is a statement, the attempt to commit, which
   * rolls back, or a commit whose answer is lost.
   */
  loseAt<T>(at: number, work: () => Promise<T>): Promise<Loss<T>>;
}

export interface Loss<T> {
  readonly result: T;
  /** Whether `work` came as far as the operation. */
  readonly happened: boolean;
}

interface Prepared {
  execute(...values: unknown[]): Promise<unknown>;
}
interface Session {
  prepareQuery(...query: unknown[]): Prepared;
}

/** Wraps a database. Work outside of `loseAt`, such as jobs, is not affected. */
export function failingDatabase(db: Database): FailingDatabase {
  const running = new AsyncLocalStorage<{ left: number; happened: boolean }>();

  /** Counts an operation. @throws AppError SERVICE_UNAVAILABLE if the database is away by now */
  function operate(): void {
    const loss = running.getStore();
    if (!loss) return;
    loss.left -= 1;
    if (loss.left > 0) return;
    loss.happened = true;
    throw serviceUnavailable('The database is unavailable.', 1);
  }

  function instrument(executor: Executor): void {
    const session = executor._.session as unknown as Session;
    const prepare = session.prepareQuery.bind(session);
    session.prepareQuery = (...query) => {
      const prepared = prepare(...query);
      const execute = prepared.execute.bind(prepared);
      prepared.execute = async (...values) => {
        operate();
        return execute(...values);
      };
      return prepared;
    };
  }

  instrument(db.executor);
  return {
    db: {
      ...db,
      async transaction(work) {
        const result = await db.transaction(async (tx) => {
          instrument(tx);
          const done = await work(tx);
          operate();
          return done;
        });
        operate();
        return result;
      },
    },
    async loseAt(at, work) {
      const loss = { left: at, happened: false };
      const result = await running.run(loss, work);
      return { result, happened: loss.happened };
    },
  };
}
