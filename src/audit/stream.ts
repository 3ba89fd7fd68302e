/** What one follower is still to be told: a bounded queue that is read as an async iterable. */

export interface Stream<T> {
  readonly items: AsyncIterableIterator<T>;
  /** Adds an item; more than the queue takes is a failure. */
  push(item: T): void;
  /** Ends it with an error, in place of what was not read yet. */
  fail(error: Error): void;
}

/**
 * @param max items that may wait
 * @param overflow the failure of a reader that is too slow
 * @param onEnd called once, when nobody reads or nothing comes any more
 */
export function createStream<T>(max: number, overflow: () => Error, onEnd: () => void): Stream<T> {
  type Result = IteratorResult<T, undefined>;
  const DONE: Result = { done: true, value: undefined };
  let queue: T[] = [];
  let isOver = false;
  let failure: Error | undefined;
  let reader: { resolve(result: Result): void; reject(error: Error): void } | undefined;

  function end(error?: Error): void {
    if (isOver) return;
    isOver = true;
    queue = [];
    failure = error;
    const waiting = reader;
    reader = undefined;
    if (waiting && error) waiting.reject(takeFailure()!);
    else waiting?.resolve(DONE);
    onEnd();
  }

  /** A failure is told once. */
  function takeFailure(): Error | undefined {
    const error = failure;
    failure = undefined;
    return error;
  }

  const items: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => items,
    // One reader at a time, as `for await` is.
    async next() {
      const item = queue.shift();
      if (item !== undefined) return { done: false, value: item };
      const error = takeFailure();
      if (error) throw error;
      return isOver ? DONE : new Promise<Result>((resolve, reject) => (reader = { resolve, reject }));
    },
    async return() {
      end();
      return DONE;
    },
  };

  return {
    items,
    push(item) {
      if (isOver) return;
      if (reader) {
        reader.resolve({ done: false, value: item });
        reader = undefined;
      } else if (queue.length >= max) end(overflow());
      else queue.push(item);
    },
    fail: end,
  };
}
