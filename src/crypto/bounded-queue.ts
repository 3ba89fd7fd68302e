/**
 * A queue with bounded concurrency and bounded length. Buckets share it in round-robin order. If it is full, the newest entry of
 * the longest bucket is rejected to make room for a shorter bucket; otherwise the new call is rejected.
 */
import { performance } from 'node:perf_hooks';
import { serviceUnavailable } from '../lib/errors.js';

export interface QueueStats {
  readonly running: number;
  readonly waiting: number;
}

export interface BoundedQueue {
  /**
   * Runs `work` in its turn: FIFO within a bucket, round-robin among buckets.
   * @param bucket fairness key, such as a network
   * @throws AppError SERVICE_UNAVAILABLE if the queue is full, or if the entry makes room for a shorter bucket
   */
  run<T>(work: () => Promise<T>, bucket?: string): Promise<T>;
  stats(): QueueStats;
}

export interface BoundedQueueOptions {
  /** Concurrent calls. */
  readonly concurrency: number;
  /** Waiting calls, across all buckets. */
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
  /** Non-empty buckets. The first is next. */
  const buckets = new Map<string, Waiting[]>();
  let waiting = 0;
  let running = 0;
  /** Duration of the latest work in milliseconds, to estimate `retryAfter`. */
  let latestMs = 0;

  /** `retryAfter` estimates how long the current queue takes. */
  const queueFull = () => {
    const retryAfter = Math.max(1, Math.ceil((waiting * latestMs) / concurrency / 1000));
    return serviceUnavailable('The server is overloaded; try again later.', retryAfter);
  };

  /** Rejects the newest entry of the longest bucket. @throws AppError if no bucket has at least two more entries than `bucket` */
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

  /** Passes the slot directly to the next entry, so a new call cannot overtake it. */
  function release(): void {
    const [next] = buckets;
    if (!next) {
      running -= 1;
      return;
    }
    const [bucket, line] = next;
    waiting -= 1;
    // Moves the bucket behind the others.
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
