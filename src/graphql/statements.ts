/** Limits the concurrent statements of one GraphQL request, so that aliases do not take every connection of the pool. */

/** Of ten connections by default; typical documents need one or two. */
const MAX_AT_A_TIME = 2;

export type RunStatement = <T>(work: () => Promise<T> | T) => Promise<T>;

/** Creates the limit of one request. Work above it waits, and must not depend on other work of the same limit. */
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
