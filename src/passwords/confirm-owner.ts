/** Confirms a sensitive operation of a signed-in person: by the password, or by a recent login if the account has none. */
import { isRecentLogin } from '../authz/decisions.js';
import type { Executor } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { stepUpRequired, validationError } from '../lib/errors.js';
import type { StepUpMethods } from '../mfa/step-up.js';
import type { Revoker } from '../sessions/revocation.js';
import type { AccountWithHash } from '../users/repository.js';
import type { ConfirmPassword } from './verify.js';

/** The person in a session of their own. */
export interface Owner extends Revoker {
  /** Time of the session's last authentication in milliseconds since the epoch. */
  readonly authenticatedAt: number | null;
}

/** What confirmed the operation. */
export interface Confirmed {
  /** The hash of the verified password, or null for an account without one. The operation must require it to be unchanged. */
  readonly passwordHash: string | null;
  /** Call it in the transaction of the operation. */
  resetFailures(tx: Executor): Promise<void>;
}

/**
 * Confirms the owner, then runs `work`.
 * @param password the input, whose name is `field`
 * @throws AppError VALIDATION_ERROR if the account has a password and none is given; STEP_UP_REQUIRED if it has none and the login
 * is not recent; INVALID_CREDENTIALS, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, and what `work` throws
 */
export type ConfirmOwner = <T>(
  found: AccountWithHash,
  password: { readonly field: string; readonly value: string | null | undefined },
  owner: Owner,
  work: (confirmed: Confirmed) => Promise<T>,
) => Promise<T>;

export interface ConfirmOwnerOptions {
  readonly clock: Clock;
  readonly confirmPassword: ConfirmPassword;
  readonly stepUpMethods: StepUpMethods;
}

/** How long a login counts as recent, as with `@requiresRecentLogin`. */
const RECENT_MS = 15 * 60_000;

export function createConfirmOwner({ clock, confirmPassword, stepUpMethods }: ConfirmOwnerOptions): ConfirmOwner {
  return async (found, { field, value }, owner, work) => {
    if (value != null) return confirmPassword(found, value, owner, work);
    if (found.passwordHash !== null) throw validationError([{ field, message: 'is required' }]);
    if (!isRecentLogin(owner, RECENT_MS, clock.now())) throw stepUpRequired(await stepUpMethods(found.account.id));
    return work({ passwordHash: null, resetFailures: async () => undefined });
  };
}
