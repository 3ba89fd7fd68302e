/** Counts an attempt as a failure before the password is verified, so parallel guesses all count. */
import type { Clock } from '../lib/clock.js';
import type { Database } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import type { Counter, Counters } from './counters.js';
import { createAttemptRepository, type AttemptRow } from './repository.js';

/** An attempt that was admitted and counted. */
export interface Charge {
  /** The counters that were charged, for a refund. */
  readonly keys: readonly string[];
  /** The highest failure count among the counters, including this attempt. */
  readonly failures: number;
  /** Whether this failure starts a wait. */
  readonly beginsWait: boolean;
  /** Whether the ceiling was already reached: the attempt fails even with the right password. */
  readonly isLocked: boolean;
  /** Whether this failure reaches the ceiling. */
  readonly reachesCeiling: boolean;
}

/** @throws AppError RATE_LIMIT_EXCEEDED during a wait; such attempts are not counted */
export type ChargeAttempt = (counters: Counters) => Promise<Charge>;

interface State {
  readonly counter: Counter;
  readonly failures: number;
  readonly blockedUntil: number;
}

export function createCharges({ db, clock }: { readonly db: Database; readonly clock: Clock }): ChargeAttempt {
  return ({ waits, ceiling }) => {
    const now = clock.now();
    return db.transaction(async (tx) => {
      const repository = createAttemptRepository(tx);
      const all = [...waits, ceiling];
      const rows = new Map(
        (
          await repository.lock(
            all.map(({ key }) => key),
            new Date(now),
          )
        ).map((row) => [row.key, row]),
      );
      const states = all.map((counter) => stateOf(counter, rows.get(counter.key)!, now));
      const [waiting, locked] = [states.slice(0, -1), states.at(-1)!];
      const until = Math.max(...waiting.map(({ blockedUntil }) => blockedUntil));
      if (until > now) throw tooMany(Math.ceil((until - now) / 1000));
      const isLocked = locked.blockedUntil > now;
      const charged = isLocked ? waiting : states;
      await repository.store(charged.map((state) => charge(state, now)));
      return {
        keys: charged.map(({ counter }) => counter.key),
        failures: Math.max(...waiting.map(({ failures }) => failures + 1)),
        beginsWait: waiting.some(({ failures, counter }) => failures + 1 >= counter.max),
        isLocked,
        reachesCeiling: !isLocked && locked.failures + 1 >= ceiling.max,
      };
    });
  };
}

function stateOf(counter: Counter, { failures, blockedUntil, expiresAt }: AttemptRow, now: number): State {
  if (expiresAt.getTime() <= now) return { counter, failures: 0, blockedUntil: 0 };
  return { counter, failures, blockedUntil: blockedUntil.getTime() };
}

/** The row after one more failure. */
function charge({ counter, failures: before }: State, now: number): AttemptRow {
  const failures = before + 1;
  // Limits the exponent; 30 doublings exceed every maximum delay.
  const doubled = counter.firstDelayMs * 2 ** Math.min(failures - counter.max, 30);
  const delay = failures < counter.max ? 0 : Math.min(counter.maxDelayMs, doubled);
  return {
    key: counter.key,
    failures,
    // Zero without a delay: with clock skew between instances, `now` could block a concurrent attempt.
    blockedUntil: new Date(delay === 0 ? 0 : now + delay),
    expiresAt: new Date(now + delay + counter.windowMs),
  };
}

function tooMany(retryAfter: number): AppError {
  return new AppError('RATE_LIMIT_EXCEEDED', 'Too many failed attempts; try again later.', { retryAfter });
}
