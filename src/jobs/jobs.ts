/** The background jobs of an instance and their intervals. */
import type { Database, Executor } from '../db/database.js';
import { clearInBatches } from '../db/clear-in-batches.js';
import type { Job } from './scheduler.js';
import type { CreatedServices } from '../latchkey.js';
import { RELOAD_MS, type SigningKeys } from '../signing-keys/service.js';

export interface JobOptions {
  readonly db: Database;
  readonly keys: Pick<SigningKeys, 'reload'>;
  readonly services: CreatedServices;
  /** Synchronises the clock with the database; left out for the embedded database. */
  synchroniseClock?(): Promise<void>;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
/** Accounts per transaction: deleting an account takes longer than deleting a row. */
const PURGE_BATCH = 50;

/** All jobs of an instance. One instance at a time runs a clean-up job. */
export function createJobs({ db, keys, services, synchroniseClock }: JobOptions): Job[] {
  const {
    rateLimits,
    lockout,
    challenges,
    codes,
    totp,
    passkeyChallenges,
    tokens,
    revocation,
    changes,
    devices,
    deletion,
    audit,
    sender,
    uses,
    apiKeys,
    oauth,
    identities,
  } = services;
  const cleanUp = (what: string, everyMs: number, clear: (tx: Executor, limit: number) => Promise<number>): Job => ({
    name: `clean up ${what}`,
    everyMs,
    run: (stop) => clearInBatches(db, what, clear, { stop }),
  });

  return [
    { name: 'reload signing keys', everyMs: RELOAD_MS, run: () => keys.reload() },
    { name: 'send mail', everyMs: 5 * SECOND_MS, run: () => sender.deliverDue() },
    { name: 'send logout tokens', everyMs: 5 * SECOND_MS, run: (stop) => oauth.logoutSender.sendDue(stop) },
    { name: 'record session use', everyMs: 5 * SECOND_MS, run: () => uses.flush() },
    ...(synchroniseClock ? [{ name: 'synchronise clock', everyMs: MINUTE_MS, run: synchroniseClock }] : []),
    cleanUp('rate limits', 10 * MINUTE_MS, (tx, limit) => rateLimits.clear(tx, limit)),
    cleanUp('password attempts', 10 * MINUTE_MS, (tx, limit) => lockout.clear(tx, limit)),
    cleanUp('second-factor challenges', 10 * MINUTE_MS, (tx, limit) => challenges.clear(tx, limit)),
    cleanUp('authenticator enrolments', HOUR_MS, (tx, limit) => totp.clear(tx, limit)),
    cleanUp('sign-in codes', 10 * MINUTE_MS, (tx, limit) => codes.clear(tx, limit)),
    cleanUp('passkey challenges', 10 * MINUTE_MS, (tx, limit) => passkeyChallenges.clear(tx, limit)),
    cleanUp('one-time tokens', HOUR_MS, (tx, limit) => tokens.clear(tx, limit)),
    cleanUp('known devices', HOUR_MS, (tx, limit) => devices.clear(tx, limit)),
    cleanUp('identifier changes', HOUR_MS, (tx, limit) => changes.clear(tx, limit)),
    cleanUp('sessions', 10 * MINUTE_MS, (tx, limit) => revocation.clear(tx, limit)),
    cleanUp('API keys', HOUR_MS, (tx, limit) => apiKeys.clear(tx, limit)),
    cleanUp('authorization codes', HOUR_MS, (tx, limit) => oauth.authorizationCodes.clear(tx, limit)),
    cleanUp('device codes', HOUR_MS, (tx, limit) => oauth.deviceCodes.clear(tx, limit)),
    cleanUp('authorization requests', 10 * MINUTE_MS, (tx, limit) => oauth.pending.clear(tx, limit)),
    cleanUp('identity flows', 10 * MINUTE_MS, (tx, limit) => identities.flows.clear(tx, limit)),
    cleanUp('client assertions', 10 * MINUTE_MS, oauth.clearAssertions),
    cleanUp('service grants', HOUR_MS, oauth.clearServiceGrants),
    cleanUp('unused OAuth clients', HOUR_MS, (tx, limit) => oauth.registration.clear(tx, limit)),
    cleanUp('audit events', HOUR_MS, (tx, limit) => audit.clear(tx, limit)),
    {
      name: 'purge deleted accounts',
      everyMs: HOUR_MS,
      run: (stop) =>
        clearInBatches(db, 'deleted accounts', (tx, limit) => deletion.purge(tx, limit), {
          limit: PURGE_BATCH,
          stop,
        }),
    },
  ];
}
