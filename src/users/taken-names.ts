/** The errors for an email address or a username that another account has. */
import { constraintOf } from '../db/errors.js';
import { validationError, type AppError } from '../lib/errors.js';

/** The message for a taken email address or username. */
export const TAKEN = 'is taken';

/** Converts a unique violation, caused by a concurrent request after the check; undefined for any other error. */
export function asTakenError(error: unknown): AppError | undefined {
  switch (constraintOf(error)) {
    case 'users_email_key_unique':
      return validationError([{ field: 'email', message: TAKEN }]);
    case 'users_username_key_unique':
      return validationError([{ field: 'username', message: TAKEN }]);
    default:
      return undefined;
  }
}
