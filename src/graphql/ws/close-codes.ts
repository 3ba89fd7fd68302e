/**
 * Close codes of WebSockets: those of the contract, and otherwise of RFC 6455 section 7.4 and IANA's registry. Reasons are fixed
 * texts, never the message of an error.
 */
import type { AppError, ErrorCode } from '../../lib/errors.js';

export interface CloseReason {
  readonly code: number;
  /** At most 123 bytes (RFC 6455 section 5.5). */
  readonly reason: string;
}

const closing = (code: number, reason: string): CloseReason => ({ code, reason });

export const GOING_AWAY = closing(1001, 'The server is going away.');
export const TOO_MANY_MESSAGES = closing(1008, 'Too many messages.');
/** Clients of graphql-ws do not retry after this code. */
export const INTERNAL_ERROR = closing(1011, 'Internal error.');
/** Clients of graphql-ws reconnect after this code. */
export const TRY_AGAIN = closing(1013, 'Not available or too slow; try again later.');
export const BAD_MESSAGE = closing(4400, 'The message is not one of graphql-transport-ws.');
export const NOT_AUTHENTICATED = closing(4401, 'No or invalid credentials, or the session has ended.');
export const NO_CREDENTIALS = closing(
  4401,
  'The payload of connection_init needs the key "authorization" with "Bearer <access token>".',
);
export const TOO_MANY_OF_ACCOUNT = closing(4413, 'Too many sockets of this account are open.');
export const TOKEN_EXPIRED = closing(4403, 'The access token has expired.');
const INIT_TIMEOUT = closing(4408, 'No connection_init in time.');
const DUPLICATE_ID = closing(4409, 'The id is in use.');
const SECOND_INIT = closing(4429, 'connection_init was sent before.');

const BY_CODE = new Map(
  [BAD_MESSAGE, NOT_AUTHENTICATED, INIT_TIMEOUT, DUPLICATE_ID, SECOND_INIT].map((each) => [each.code, each]),
);

/** The reason for a code from graphql-ws, whose own text may repeat what the client sent. */
export function closeReasonOf(code: number | undefined): CloseReason {
  return BY_CODE.get(code ?? 0) ?? INTERNAL_ERROR;
}

const BY_ERROR: Partial<Record<ErrorCode, CloseReason>> = {
  TOKEN_EXPIRED,
  MISSING_TOKEN: NO_CREDENTIALS,
  INVALID_TOKEN: NOT_AUTHENTICATED,
  INVALID_API_KEY: NOT_AUTHENTICATED,
  USER_NOT_FOUND: NOT_AUTHENTICATED,
  ACCOUNT_DISABLED: NOT_AUTHENTICATED,
  INSUFFICIENT_PERMISSIONS: NOT_AUTHENTICATED,
};

/**
 * The reason for closing a socket after an error. An error that does not concern the credentials is temporary: the client
 * should reconnect.
 */
export function closeReasonFor({ code }: AppError): CloseReason {
  return BY_ERROR[code] ?? TRY_AGAIN;
}

/** Whether the credentials were refused, and not merely left unchecked. */
export function isRefusal(closing: CloseReason): boolean {
  return closing === NOT_AUTHENTICATED || closing === NO_CREDENTIALS || closing === TOKEN_EXPIRED;
}
