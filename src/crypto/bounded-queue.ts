/**
 * Work that runs a few at a time while a few more wait; beyond that it is refused at once. Buckets share the queue: they
 * take turns, and when it is full the bucket that has most waiting gives up its latest.
 */
import { performance } from 'node:perf_hooks';
import { serviceUnavailable } from '../lib/errors.js';

export interface QueueStats {
  readonly running: number;
  readonly waiting: number;
}

export interface BoundedQueue {
  /**
   * Runs `work` when its turn comes: first come first served within a bucket, round-robin among buckets.
   * @param bucket whom the work is for, such as a network
   * @throws AppError SERVICE_UNAVAILABLE when the queue is full, or becomes full while others have less waiting
   */
  run<T>(work: () => Promise<T>, bucket?: string): Promise<T>;
  stats(): QueueStats;
}

export interface BoundedQueueOptions {
  /** How many run at a time. */
  readonly concurrency: number;
  /** How many more may wait, over all buckets. */
  readonly queue: number;
}

interface Waiting {
  start(): void;
  refuse(error: Error): void;
}

/** @param now monotonic milliseconds */
export function createBoundedQueue(
  { concurrency, queue }: BoundedQueueOptions,
  now: () => number = () => performance.now(),
): BoundedQueue {
  /** Only buckets with work; the first is next. */
  const buckets = new Map<string, Waiting[]>();
  let waiting = 0;
  let running = 0;
  /** How long the latest work took, in milliseconds: what tells a refused caller when to come back. */
  let latestMs = 0;

  /** With the whole seconds until the queue of this moment has been worked off. */
  const queueFull = () => {
    const retryAfter = Math.max(1, Math.ceil((waiting * latestMs) / concurrency / 1000));
    return serviceUnavailable('Too much to do at the moment; try again.', retryAfter);
  };

  /** Makes room for one of a bucket in a full queue. @throws AppError where no bucket has at least two more waiting */
  function makeRoom(bucket: string): void {
    const own = buckets.get(bucket)?.length ?? 0;
    let longest: Waiting[] = [];
    for (const each of buckets.values()) if (each.length > longest.length) longest = each;
    if (longest.length < own + 2) throw queueFull();
    waiting -= 1;
    longest.pop()!.refuse(queueFull());
  }

  async function acquire(bucket: string): Promise<void> {
    if (running < concurrency) {
      running += 1;
      return;
    }
    if (waiting >= queue) makeRoom(bucket);
    waiting += 1;
    await new Promise<void>((start, refuse) => {
      const entry = { start, refuse };
      const line = buckets.get(bucket);
      if (line) line.push(entry);
      else buckets.set(bucket, [entry]);
    });
  }

  /** Hands the place on to the next, so that a newcomer cannot slip in between. */
  function release(): void {
    const [next] = buckets;
    if (!next) {
      running -= 1;
      return;
    }
    const [bucket, line] = next;
    waiting -= 1;
    // Its turn is over: what else it has waits behind the other buckets.
    buckets.delete(bucket);
    if (line.length > 1) buckets.set(bucket, line);
    line.shift()!.start();
  }

  return {
    async run(work, bucket = '') {
      await acquire(bucket);
      const startedAt = now();
      try {
        return await work();
      } finally {
        latestMs = now() - startedAt;
        release();
      }
    },
    stats: () => ({ running, waiting }),
  };
}
