/** Work that waits for a transaction's end. */
import type { Executor } from './database.js';
import { mayHaveCommitted } from './errors.js';

const waiting = new WeakMap<Executor, (work: () => void) => void>();

/** As `Database.afterCommit`. */
export function afterCommit(tx: Executor, work: () => void): void {
  const wait = waiting.get(tx);
  if (wait) wait(work);
  else work();
}

/** What waits for one transaction. */
interface AfterCommitQueue {
  /** The executor that it waits by. */
  register(tx: Executor): void;
  /** After the commit. */
  run(): void;
  /** After a failure: runs where nobody knows whether there was a commit, once that should be decided. */
  runIfUnknown(error: unknown): void;
}

/**
 * @param settleMs for how long a statement that nobody waits for may go on, in milliseconds. An instance that ends before that
 * tells nothing; the next one to start tells that something may have been missed
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
 * Runs a transaction, then what waits for it.
 * @param begin runs `work` in a transaction
 * @param settleMs as of `createWaiting`
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
