/**
 * Rotates refresh tokens. Concurrent tokens from unchanged addresses share one statement. A token from a new address, or of a
 * locked session, gets a transaction of its own, which audits the change of address.
 */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import { createBatches } from '../db/batches.js';
import type { Database } from '../db/database.js';
import type { SessionWithAccount } from './repository.js';
import { createRotationRepository, type Rotation } from './rotation-repository.js';

/** Increments the generation of a live session of a usable account; undefined if the token does not match. */
export type Rotate = (token: Rotation & { readonly client: ClientInfo }) => Promise<SessionWithAccount | undefined>;

export interface RotationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export function createRotation({ db, clock, audit, idleTtlMs }: RotationOptions): Rotate {
  const repository = createRotationRepository(db.executor, idleTtlMs);
  const batches = createBatches<Rotation, SessionWithAccount>(
    (rotations) => repository.rotate(rotations, new Date(clock.now())),
    ({ session }) => session.id,
  );

  const rotateInTransaction: Rotate = (token) =>
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

  return async (token) => (await batches.add(token.id, token)) ?? rotateInTransaction(token);
}
