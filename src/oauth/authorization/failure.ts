/** A failure of the service while it handles an authorization request whose redirect URI is valid. */
import type { OAuthError } from '../error.js';
import type { Step } from './step.js';

/** The client must be informed (RFC 6749 section 4.1.2.1). The cause is for the log. */
export class AuthorizationFailure extends Error {
  override readonly name = 'AuthorizationFailure';

  /** @param toClient the step that sends an error to the client */
  constructor(
    readonly toClient: (error: OAuthError) => Step,
    cause: unknown,
  ) {
    super('The authorization request failed.', { cause });
  }
}
