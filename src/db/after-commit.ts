/** Work that waits for a transaction's end. */
import type { Executor } from './database.js';
import { outage, sqlStateOf } from './errors.js';

const waiting = new WeakMap<Executor, (() => void)[]>();

/** As `Database.afterCommit`. */
export function afterCommit(tx: Executor, work: () => void): void {
  const works = waiting.get(tx);
  if (works) works.push(work);
  else work();
}

/** What waits for one transaction, or one statement that is one. */
export interface Waiting {
  /** The executor that it waits by. */
  by(tx: Executor): void;
  /** After the commit. */
  run(): void;
  /** After a failure: runs where nobody knows whether there was a commit; what Postgres itself refused was none. */
  runIfUnknown(error: unknown): void;
}

export function createWaiting(): Waiting {
  const works: (() => void)[] = [];
  const run = () => works.forEach((each) => each());
  return {
    by: (tx) => void waiting.set(tx, works),
    run,
    runIfUnknown(error) {
      if (outage(error) && sqlStateOf(error) === undefined) run();
    },
  };
}

/** Runs a transaction, then what waits for it. */
export async function inTransaction<T>(executor: Executor, work: (tx: Executor) => Promise<T>): Promise<T> {
  const after = createWaiting();
  try {
    const result = await executor.transaction(async (tx) => {
      after.by(tx);
      return work(tx);
    });
    after.run();
    return result;
  } catch (error) {
    after.runIfUnknown(error);
    throw error;
  }
}
