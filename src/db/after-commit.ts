/** Work that waits for a transaction's end. */
import type { Executor } from './database.js';
import { outage } from './errors.js';

const waiting = new WeakMap<Executor, (() => void)[]>();

/** As `Database.afterCommit`. */
export function afterCommit(tx: Executor, work: () => void): void {
  const works = waiting.get(tx);
  if (works) works.push(work);
  else work();
}

/** Runs a transaction, then what waits for it. */
export async function inTransaction<T>(executor: Executor, work: (tx: Executor) => Promise<T>): Promise<T> {
  const works: (() => void)[] = [];
  const runAll = () => works.forEach((each) => each());
  const running = executor.transaction(async (tx) => {
    waiting.set(tx, works);
    return work(tx);
  });
  try {
    const result = await running;
    runAll();
    return result;
  } catch (error) {
    if (outage(error)) runAll();
    throw error;
  }
}
