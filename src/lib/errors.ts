/**
 * AppError, the error type of the public contract. Clients get its code, message and details. Any other error becomes
 * `INTERNAL_ERROR`, and its cause goes to the log only.
 */

/** HTTP status by error code, for `application/graphql-response+json` responses without data. */
export const STATUS_BY_CODE = {
  VALIDATION_ERROR: 400,
  INVALID_CREDENTIALS: 401,
  MISSING_TOKEN: 401,
  TOKEN_EXPIRED: 401,
  INVALID_TOKEN: 401,
  INVALID_REFRESH_TOKEN: 401,
  INVALID_API_KEY: 401,
  INVALID_PLEX_TOKEN: 401,
  USER_NOT_FOUND: 401,
  ACCOUNT_DISABLED: 403,
  INSUFFICIENT_PERMISSIONS: 403,
  SECOND_FACTOR_REQUIRED: 401,
  INVALID_CODE: 401,
  SECOND_FACTOR_ENROLLMENT_REQUIRED: 403,
  STEP_UP_REQUIRED: 403,
  NOT_FOUND: 404,
  IDENTITY_NOT_LINKED: 409,
  IDENTITY_PROVIDER_ERROR: 502,
  RATE_LIMIT_EXCEEDED: 429,
  QUERY_REJECTED: 400,
  PERSISTED_QUERY_NOT_FOUND: 404,
  PERSISTED_QUERY_NOT_SUPPORTED: 400,
  SERVICE_UNAVAILABLE: 503,
  INTERNAL_ERROR: 500,
} as const;

/** A code of the public contract. */
export type ErrorCode = keyof typeof STATUS_BY_CODE;

/** A second factor of an account. */
export type SecondFactorMethod = 'TOTP' | 'PASSKEY' | 'RECOVERY_CODE';

/** A method of step-up authentication with `reauthenticate`. */
export type StepUpMethod = 'PASSWORD' | SecondFactorMethod;

/** An invalid field of an input. `field` is the path inside `input`, e.g. `preferences.language`. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** Public details of an error, as members of `extensions`. */
export interface ErrorDetails {
  /** With `VALIDATION_ERROR`: every error at once. */
  readonly details?: readonly FieldError[];
  /** With `INSUFFICIENT_PERMISSIONS`: OR of ANDs, as the directive has it. */
  readonly requiredScopes?: readonly (readonly string[])[];
  /** With `STEP_UP_REQUIRED`: the methods to authenticate again. With `SECOND_FACTOR_REQUIRED`: the factors of the account. */
  readonly methods?: readonly StepUpMethod[];
  /** With `SECOND_FACTOR_REQUIRED`: to send to `loginWithSecondFactor`. */
  readonly challenge?: string;
  /** With `SECOND_FACTOR_REQUIRED`: the expiry of the challenge (RFC 3339). */
  readonly expiresAt?: string;
  /** With `RATE_LIMIT_EXCEEDED` and `SERVICE_UNAVAILABLE`: whole seconds, at least 1. */
  readonly retryAfter?: number;
  /** With `INTERNAL_ERROR`: identifies the log lines of the request. */
  readonly requestId?: string;
}

/** An error of the public contract. `message` is public; `cause` goes to the log only. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }

  /** The HTTP status of the code. */
  get status(): number {
    return STATUS_BY_CODE[this.code];
  }

  /** The `extensions` of a GraphQL error. */
  get extensions(): { code: ErrorCode } & ErrorDetails {
    return { code: this.code, ...this.details };
  }
}

/** A `VALIDATION_ERROR` that names every error. */
export function validationError(errors: readonly FieldError[]): AppError {
  return new AppError('VALIDATION_ERROR', 'The input was refused; see details.', { details: errors });
}

/** A `SERVICE_UNAVAILABLE`: the server is overloaded, or a service that it needs is unavailable. `retryAfter` in seconds. */
export function serviceUnavailable(message: string, retryAfter = 1, cause?: unknown): AppError {
  return new AppError('SERVICE_UNAVAILABLE', message, { retryAfter }, cause);
}

/** A `STEP_UP_REQUIRED`: the last proof of the session is too old for the operation. @param methods empty: only a new login */
export function stepUpRequired(methods: readonly StepUpMethod[]): AppError {
  return new AppError('STEP_UP_REQUIRED', 'Prove again who you are: call reauthenticate, or log in again.', {
    methods,
  });
}

/** An `INVALID_CODE`: the same for every reason. */
export function invalidCode(): AppError {
  return new AppError('INVALID_CODE', 'The code is wrong, used or expired.');
}

/** A `SECOND_FACTOR_ENROLLMENT_REQUIRED`. */
export function enrollmentRequired(): AppError {
  return new AppError('SECOND_FACTOR_ENROLLMENT_REQUIRED', 'Enrol a second factor first: the account must have one.');
}
