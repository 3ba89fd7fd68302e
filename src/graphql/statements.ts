/** Bounds how many statements one GraphQL request runs at a time: aliases must not take every connection of the pool. */

/** Of a pool of ten by default; a person's document waits for one or two. */
const MAX_AT_A_TIME = 2;

export type RunStatement = <T>(work: () => Promise<T> | T) => Promise<T>;

/** Creates the bound of one request. Work that is over it waits; it must not wait for other work of the same bound. */
export function createStatements(max = MAX_AT_A_TIME): RunStatement {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < max) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
