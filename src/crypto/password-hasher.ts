/**
 * Password hashes: argon2id (RFC 9106) as PHC strings, with parameters from the OWASP Password Storage Cheat Sheet.
 * The work runs on libuv's thread pool, off the event loop, so many at a time and no more.
 */
import { randomBytes } from 'node:crypto';
import argon2, { type Options } from 'argon2';
import { serviceUnavailable } from '../lib/errors.js';
import { createBoundedQueue, type BoundedQueueOptions, type QueueStats } from './bounded-queue.js';

/**
 * Each of the three that hash: @throws AppError SERVICE_UNAVAILABLE when the queue is full. `network` is where the request
 * came from: networks take turns, so that none can keep the others out.
 */
export interface PasswordHasher {
  /** A PHC string with a salt of its own and the parameters of today. */
  hash(password: string, network?: string): Promise<string>;
  /**
   * Whether `password` has this hash, with the parameters in the hash. Something that is no hash matches nothing. A wrong
   * password takes as long as with the costliest hash that there is, so that an account whose hash is from before the
   * parameters were changed is not told from an unknown one by the time.
   */
  verify(hash: string, password: string, network?: string): Promise<boolean>;
  /** The work of a verification, where there is no hash: an unknown account must take as long as a known one. */
  verifyAbsent(password: string, network?: string): Promise<false>;
  /** Whether the hash falls short of today's parameters in one of them. Lowering them makes no hash weaker. */
  needsRehash(hash: string): boolean;
  stats(): QueueStats;
}

/** argon2 runs `parallelism` threads of its own in each hash, in addition to the pool's. */
export interface PasswordHasherOptions extends BoundedQueueOptions {
  readonly memoryKib: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** What decides the cost, under the names that a PHC string gives it. */
interface Cost {
  /** Memory in KiB. */
  readonly m: number;
  /** Passes over it. */
  readonly t: number;
  /** Lanes. */
  readonly p: number;
}

export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { memoryKib, timeCost, parallelism, concurrency, queue } = options;
  const parameters: Options = { type: argon2.argon2id, memoryCost: memoryKib, timeCost, parallelism };
  const jobs = createBoundedQueue({ concurrency, queue });
  const today: Cost = { m: memoryKib, t: timeCost, p: parallelism };
  /**
   * The costliest hash met so far: today's, or an older one's after the parameters were lowered. What a process has not met
   * yet since its start it cannot count with.
   */
  let costliest = timeOf(today);
  // A hash of today's cost that no known password has: to verify against it is the same work.
  const absentHash = `$argon2id$v=19$m=${today.m},t=${today.t},p=${today.p}$${base64(16)}$${base64(32)}`;

  /** What argon2 says of a failure (no memory, mostly) is for the log. */
  const run = <T>(work: () => Promise<T>, network: string | undefined): Promise<T> =>
    jobs.run(
      () =>
        work().catch((cause: unknown) => {
          throw serviceUnavailable('Passwords cannot be processed at the moment; try again.', 1, cause);
        }),
      network,
    );

  /** Work on top of a verification that was cheaper than the costliest; in the same place of the queue. */
  async function pad(password: string, made: Cost): Promise<false> {
    if (costliest <= timeOf(made)) return false;
    const blocks = Math.floor((costliest - timeOf(made)) * parallelism);
    const passes = Math.ceil(blocks / memoryKib);
    const memoryCost = Math.floor(blocks / passes);
    // RFC 9106 section 3.1: each lane needs 8 KiB. Less than that is no time at all.
    if (memoryCost >= 8 * parallelism) await argon2.hash(password, { ...parameters, memoryCost, timeCost: passes });
    return false;
  }

  async function verifyPadded(hash: string, password: string, made: Cost): Promise<boolean> {
    costliest = Math.max(costliest, timeOf(made));
    return (await argon2.verify(hash, password)) || pad(password, made);
  }

  const verifyAbsent = async (password: string, network?: string): Promise<false> => {
    await run(() => verifyPadded(absentHash, password, today), network);
    return false;
  };

  return {
    hash: (password, network) => run(() => argon2.hash(password, parameters), network),
    verify(hash, password, network) {
      const made = costOf(hash);
      return made ? run(() => verifyPadded(hash, password, made), network) : verifyAbsent(password, network);
    },
    verifyAbsent,
    needsRehash(hash) {
      const made = costOf(hash);
      return made === undefined || made.m < today.m || made.t < today.t || made.p < today.p;
    },
    stats: () => jobs.stats(),
  };
}

/** argon2id in version 19 (0x13), the one kind that is made here, with its parameters in any order. */
const PHC = /^\$argon2id\$v=19\$((?:[mtp]=\d{1,9},){2}[mtp]=\d{1,9})\$[\w+/]{11,64}\$[\w+/]{16,128}$/;

/** What a hash cost, or undefined if it is none. */
function costOf(hash: string): Cost | undefined {
  const parameters = PHC.exec(hash)?.[1]?.split(',') ?? [];
  const value = new Map(parameters.map((parameter) => [parameter[0], Number(parameter.slice(2))]));
  const [m, t, p] = [value.get('m'), value.get('t'), value.get('p')];
  return m && t && p ? { m, t, p } : undefined;
}

/** How long a hash takes, in passes over a KiB: lanes run beside each other (RFC 9106, section 3.4). */
function timeOf({ m, t, p }: Cost): number {
  return (m * t) / p;
}

/** Random bytes as PHC strings have them: base64 without padding. */
function base64(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
