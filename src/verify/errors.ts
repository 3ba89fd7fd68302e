/** Errors of verification, with the codes of Latchkey's API. */

/** HTTP status by code. */
export const STATUS_BY_CODE = {
  MISSING_TOKEN: 401,
  TOKEN_EXPIRED: 401,
  INVALID_TOKEN: 401,
  INVALID_API_KEY: 401,
  INSUFFICIENT_PERMISSIONS: 403,
  RATE_LIMIT_EXCEEDED: 429,
  SERVICE_UNAVAILABLE: 503,
  INTERNAL_ERROR: 500,
} as const;

export type VerificationErrorCode = keyof typeof STATUS_BY_CODE;

/** Further `extensions` of an error. */
export interface VerificationErrorDetails {
  /** With `INSUFFICIENT_PERMISSIONS`: the required scopes as OR of ANDs. */
  readonly requiredScopes?: readonly (readonly string[])[];
  /** With `SERVICE_UNAVAILABLE` and `RATE_LIMIT_EXCEEDED`: when to retry, in seconds. */
  readonly retryAfter?: number;
}

/** An error of verification. `message` may be sent to clients; `cause` is for the log only. */
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
