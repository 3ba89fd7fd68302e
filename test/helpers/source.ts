/** A stream that the test writes to, and that reports when its reader has left. */

export interface Source {
  readonly stream: AsyncIterableIterator<unknown>;
  push(item: unknown): void;
  readonly over: Promise<void>;
}

export function source(): Source {
  const items: unknown[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  let ended: () => void = () => undefined;
  const over = new Promise<void>((resolve) => (ended = resolve));
  const stream: AsyncIterableIterator<unknown> = {
    [Symbol.asyncIterator]: () => stream,
    async next() {
      while (items.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve));
      return isOver ? { done: true, value: undefined } : { done: false, value: items.shift() };
    },
    async return() {
      isOver = true;
      wake();
      ended();
      return { done: true, value: undefined };
    },
  };
  return {
    stream,
    push(item) {
      items.push(item);
      wake();
    },
    over,
  };
}
