/** The verification of one kind of second factor. */
import type { Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';

/**
 * Verifies and consumes a second factor in the caller's transaction, by conditional statements: one of several concurrent
 * calls with the same code succeeds.
 * @returns the authentication methods that it proved (RFC 8176), without `mfa`; undefined if it is wrong
 * @throws WrongFactor if it is wrong and something must be recorded
 */
export type VerifyFactor<Value> = (
  tx: Executor,
  userId: string,
  value: Value,
  client: ClientInfo,
) => Promise<readonly string[] | undefined>;

/** A wrong factor. It rolls the transaction of the verification back. */
export class WrongFactor extends Error {
  /** @param record writes what must be kept all the same, in a transaction after the rollback */
  constructor(readonly record?: (tx: Executor) => Promise<void>) {
    super('The second factor is wrong');
  }
}

/** The value in `amr` of a session whose person proved two factors (RFC 8176). */
export const MULTI_FACTOR = 'mfa';
