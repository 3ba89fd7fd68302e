/** What has to be done every now and then, and how often. */
import type { Database, Executor } from '../db/database.js';
import { clearInBatches } from '../db/clear-in-batches.js';
import type { Chore } from './scheduler.js';
import type { CreatedServices } from '../latchkey.js';
import { RELOAD_MS, type SigningKeys } from '../signing-keys/service.js';

export interface ChoreOptions {
  readonly db: Database;
  readonly keys: Pick<SigningKeys, 'reload'>;
  readonly services: CreatedServices;
  /** Asks the database for the time, where it has one of its own. */
  synchroniseClock?(): Promise<void>;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Deleting a whole account takes longer than deleting a row. */
const PURGED_AT_ONCE = 50;

/** All chores of an instance; what clears is done by one instance at a time. */
export function choresOf({ db, keys, services, synchroniseClock }: ChoreOptions): Chore[] {
  const { rateLimits, lockout, tokens, revocation, changes, devices, deletion, audit, sender, uses } = services;
  const clearing = (what: string, everyMs: number, clear: (tx: Executor, limit: number) => Promise<number>): Chore => ({
    name: `clearing ${what}`,
    everyMs,
    run: (stop) => clearInBatches(db, what, clear, { stop }),
  });

  return [
    { name: 'reading the signing keys', everyMs: RELOAD_MS, run: () => keys.reload() },
    { name: 'sending mail', everyMs: 5 * SECOND_MS, run: () => sender.deliverDue() },
    { name: 'noting when sessions were used', everyMs: 5 * SECOND_MS, run: () => uses.flush() },
    ...(synchroniseClock
      ? [{ name: "asking for the database's time", everyMs: MINUTE_MS, run: synchroniseClock }]
      : []),
    clearing('rate limits', 10 * MINUTE_MS, (tx, limit) => rateLimits.clear(tx, limit)),
    clearing('password attempts', 10 * MINUTE_MS, (tx, limit) => lockout.clear(tx, limit)),
    clearing('one-time tokens', HOUR_MS, (tx, limit) => tokens.clear(tx, limit)),
    clearing('known devices', HOUR_MS, (tx, limit) => devices.clear(tx, limit)),
    clearing('identifier changes', HOUR_MS, (tx, limit) => changes.clear(tx, limit)),
    clearing('sessions', 10 * MINUTE_MS, (tx, limit) => revocation.clear(tx, limit)),
    clearing('audit events', HOUR_MS, (tx, limit) => audit.clear(tx, limit)),
    {
      name: 'purging deleted accounts',
      everyMs: HOUR_MS,
      run: (stop) =>
        clearInBatches(db, 'deleted accounts', (tx, limit) => deletion.purge(tx, limit), {
          limit: PURGED_AT_ONCE,
          stop,
        }),
    },
  ];
}
