/** Why a request was refused: the codes of Latchkey's API, with their HTTP status. */

/** HTTP status by code. */
export const STATUS_BY_CODE = {
  MISSING_TOKEN: 401,
  TOKEN_EXPIRED: 401,
  INVALID_TOKEN: 401,
  INSUFFICIENT_PERMISSIONS: 403,
  SERVICE_UNAVAILABLE: 503,
} as const;

export type VerificationErrorCode = keyof typeof STATUS_BY_CODE;

/** What accompanies a code in `extensions`. */
export interface VerificationErrorDetails {
  /** With `INSUFFICIENT_PERMISSIONS`: OR of ANDs. */
  readonly requiredScopes?: readonly (readonly string[])[];
  /** With `SERVICE_UNAVAILABLE`: seconds. */
  readonly retryAfter?: number;
}

/** A refusal. `message` may be sent to the client; `cause` is for the log. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';

  constructor(
    readonly code: VerificationErrorCode,
    message: string,
    readonly details: VerificationErrorDetails = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }

  /** The HTTP status of the code. */
  get status(): number {
    return STATUS_BY_CODE[this.code];
  }
}
