/**
 * Rotates refresh tokens. Tokens that arrive together from unchanged addresses share one statement. A token from a new address,
 * or of a session that the statement found locked, gets a transaction of its own, which also records the move.
 */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import { createBatches } from '../db/batches.js';
import type { Database } from '../db/database.js';
import type { SessionWithAccount } from './repository.js';
import { createRotationRepository, type Rotation } from './rotation-repository.js';

/** Moves a live session of a usable account to the next generation; undefined when the token does not match. */
export type Rotate = (token: Rotation & { readonly client: ClientInfo }) => Promise<SessionWithAccount | undefined>;

export interface RotationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  /** After how long without use a session is over, in milliseconds; undefined: never. */
  readonly idleTtlMs?: number | undefined;
}

export function createRotation({ db, clock, audit, idleTtlMs }: RotationOptions): Rotate {
  const repository = createRotationRepository(db.executor, idleTtlMs);
  const batches = createBatches<Rotation, SessionWithAccount>(
    (rotations) => repository.rotate(rotations, new Date(clock.now())),
    ({ session }) => session.id,
  );

  const rotateAlone: Rotate = (token) =>
    db.transaction(async (tx) => {
      const rotated = await createRotationRepository(tx, idleTtlMs).rotateAnywhere(token, new Date(clock.now()));
      if (!rotated || rotated.previousAddress === token.client.ipAddress) return rotated;
      const { session, previousAddress } = rotated;
      await audit.record(tx, {
        type: 'session.refreshed',
        userId: session.userId,
        sessionId: session.id,
        client: token.client,
        ...(previousAddress === null ? {} : { detail: `from ${previousAddress}` }),
      });
      return rotated;
    });

  return async (token) => (await batches.add(token.id, token)) ?? rotateAlone(token);
}
