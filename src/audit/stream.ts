/** The queue of one subscriber: bounded, and read as an async iterable. */

export interface Stream<T> {
  readonly items: AsyncIterableIterator<T>;
  /** Adds an item. A full queue ends the stream with an error. */
  push(item: T): void;
  /** Discards unread items and ends the stream with an error. */
  fail(error: Error): void;
}

/**
 * @param max capacity of the queue
 * @param overflow creates the error for a reader that is too slow
 * @param onEnd called once, when the stream ends
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

  /** The error is thrown once. */
  function takeFailure(): Error | undefined {
    const error = failure;
    failure = undefined;
    return error;
  }

  const items: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => items,
    // Supports one reader at a time, as `for await` uses it.
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
