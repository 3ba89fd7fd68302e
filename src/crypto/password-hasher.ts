/**
 * Hashes passwords with argon2id (RFC 9106) as PHC strings, with parameters from the OWASP Password Storage Cheat Sheet. Hashes run
 * on libuv's thread pool with bounded concurrency.
 */
import { randomBytes } from 'node:crypto';
import argon2, { type Options } from 'argon2';
import { serviceUnavailable } from '../lib/errors.js';
import { createBoundedQueue, type BoundedQueueOptions, type QueueStats } from './bounded-queue.js';

/**
 * `hash`, `verify` and `verifyAbsent` share a bounded queue: @throws AppError SERVICE_UNAVAILABLE if it is full. `network` is the
 * client's network; networks share the queue in round-robin order.
 */
export interface PasswordHasher {
  /** A PHC string with a new salt and the configured parameters. */
  hash(password: string, network?: string): Promise<string>;
  /**
   * Whether `password` matches `hash`, with the parameters in the hash. False for a malformed hash. A wrong password takes as long as
   * for the costliest known hash, so the timing does not distinguish accounts with older parameters from unknown accounts.
   */
  verify(hash: string, password: string, network?: string): Promise<boolean>;
  /** Does the work of a verification without a hash, so an unknown account takes as long as a known one. */
  verifyAbsent(password: string, network?: string): Promise<false>;
  /** Whether any parameter of the hash is below the configured one. */
  needsRehash(hash: string): boolean;
  stats(): QueueStats;
}

/** Each hash runs `parallelism` threads of its own in addition to the thread pool. */
export interface PasswordHasherOptions extends BoundedQueueOptions {
  readonly memoryKib: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** Cost parameters, named as in PHC strings. */
interface Cost {
  /** Memory in KiB. */
  readonly m: number;
  /** Passes over the memory. */
  readonly t: number;
  /** Lanes. */
  readonly p: number;
}

export function createPasswordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { memoryKib, timeCost, parallelism, concurrency, queue } = options;
  const parameters: Options = { type: argon2.argon2id, memoryCost: memoryKib, timeCost, parallelism };
  const jobs = createBoundedQueue({ concurrency, queue });
  const today: Cost = { m: memoryKib, t: timeCost, p: parallelism };
  /** The cost of the costliest hash that this process has seen: the configured one, or a higher one from before a change. */
  let costliest = timeOf(today);
  // A hash with the configured cost that no password matches.
  const absentHash = `$argon2id$v=19$m=${today.m},t=${today.t},p=${today.p}$${base64(16)}$${base64(32)}`;

  /** The error of argon2, mostly a lack of memory, goes to the log only. */
  const run = <T>(work: () => Promise<T>, network: string | undefined): Promise<T> =>
    jobs.run(
      () =>
        work().catch((cause: unknown) => {
          throw serviceUnavailable('Password hashing failed; try again.', 1, cause);
        }),
      network,
    );

  /** Adds the work by which a verification was cheaper than the costliest one, in the same queue slot. */
  async function pad(password: string, made: Cost): Promise<false> {
    if (costliest <= timeOf(made)) return false;
    const blocks = Math.floor((costliest - timeOf(made)) * parallelism);
    const passes = Math.ceil(blocks / memoryKib);
    const memoryCost = Math.floor(blocks / passes);
    // Each lane needs 8 KiB (RFC 9106 section 3.1). Less than that is negligible.
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

/** argon2id version 19 (0x13), with parameters in any order. */
const PHC = /^\$argon2id\$v=19\$((?:[mtp]=\d{1,9},){2}[mtp]=\d{1,9})\$[\w+/]{11,64}\$[\w+/]{16,128}$/;

/** The cost of a hash; undefined for a malformed one. */
function costOf(hash: string): Cost | undefined {
  const parameters = PHC.exec(hash)?.[1]?.split(',') ?? [];
  const value = new Map(parameters.map((parameter) => [parameter[0], Number(parameter.slice(2))]));
  const [m, t, p] = [value.get('m'), value.get('t'), value.get('p')];
  return m && t && p ? { m, t, p } : undefined;
}

/** The duration of a hash in passes over one KiB. Lanes run in parallel (RFC 9106, section 3.4). */
function timeOf({ m, t, p }: Cost): number {
  return (m * t) / p;
}

/** Random bytes in base64 without padding, as in PHC strings. */
function base64(bytes: number): string {
  return randomBytes(bytes).toString('base64').replaceAll('=', '');
}
