/** Work that runs a few at a time while a few more wait; beyond that it is refused at once. */
import { performance } from 'node:perf_hooks';
import { serviceUnavailable } from '../errors.js';

export interface QueueStats {
  readonly running: number;
  readonly waiting: number;
}

export interface BoundedQueue {
  /** Runs `work` when its turn comes, first come first served. @throws AppError SERVICE_UNAVAILABLE at once when full */
  run<T>(work: () => Promise<T>): Promise<T>;
  stats(): QueueStats;
}

export interface BoundedQueueOptions {
  /** How many run at a time. */
  readonly concurrency: number;
  /** How many more may wait. */
  readonly queue: number;
}

/** @param now monotonic milliseconds */
export function createBoundedQueue(
  { concurrency, queue }: BoundedQueueOptions,
  now: () => number = () => performance.now(),
): BoundedQueue {
  const waiting: (() => void)[] = [];
  let running = 0;
  /** How long the latest work took, in milliseconds: what tells a refused caller when to come back. */
  let latestMs = 0;

  /** Whole seconds until the queue of this moment has been worked off. */
  const retryAfter = (): number => Math.max(1, Math.ceil((waiting.length * latestMs) / concurrency / 1000));

  async function turn(): Promise<void> {
    if (running < concurrency) {
      running += 1;
      return;
    }
    if (waiting.length >= queue) throw serviceUnavailable('Too much to do at the moment; try again.', retryAfter());
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  /** Hands the place on to whoever waits longest, so that a newcomer cannot slip in between. */
  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }

  return {
    async run(work) {
      await turn();
      const startedAt = now();
      try {
        return await work();
      } finally {
        latestMs = now() - startedAt;
        leave();
      }
    },
    stats: () => ({ running, waiting: waiting.length }),
  };
}
