/** Runs work after the commit of a transaction. */
import type { Executor } from './database.js';
import { mayHaveCommitted } from './errors.js';

const waiting = new WeakMap<Executor, (work: () => void) => void>();

/** As `Database.afterCommit`. */
export function afterCommit(tx: Executor, work: () => void): void {
  const wait = waiting.get(tx);
  if (wait) wait(work);
  else work();
}

/** The pending work of one transaction. */
interface AfterCommitQueue {
  /** Associates the executor of the transaction. */
  register(tx: Executor): void;
  /** Runs the work. Call it after the commit. */
  run(): void;
  /** Call it after a failure: if the transaction may have committed, runs the work after `settleMs`. */
  runIfUnknown(error: unknown): void;
}

/**
 * @param settleMs how long Postgres may continue an abandoned statement, in milliseconds. If the process ends earlier, the work is
 * lost; the next process to start reports that events may be missing
 */
function createAfterCommitQueue(settleMs: number): AfterCommitQueue {
  const works: (() => void)[] = [];
  let committed = false;
  const run = () => {
    committed = true;
    works.forEach((each) => each());
  };
  const wait = (work: () => void) => {
    if (committed) work();
    else works.push(work);
  };
  return {
    register: (tx) => void waiting.set(tx, wait),
    run,
    runIfUnknown(error) {
      if (works.length > 0 && mayHaveCommitted(error)) setTimeout(run, settleMs).unref();
    },
  };
}

/**
 * Runs a transaction, then its after-commit work.
 * @param begin runs `work` in a transaction
 * @param settleMs as for `createAfterCommitQueue`
 */
export async function inTransaction<T>(
  begin: (work: (tx: Executor) => Promise<T>) => Promise<T>,
  work: (tx: Executor) => Promise<T>,
  settleMs = 0,
): Promise<T> {
  const after = createAfterCommitQueue(settleMs);
  try {
    const result = await begin(async (tx) => {
      after.register(tx);
      return work(tx);
    });
    after.run();
    return result;
  } catch (error) {
    after.runIfUnknown(error);
    throw error;
  }
}
