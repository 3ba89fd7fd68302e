/**
 * Why a socket is closed: the codes of the contract, and those of RFC 6455 (section 7.4, and IANA's registry) where it has
 * none. The reasons are these words and never an error's own.
 */
import type { AppError, ErrorCode } from '../../lib/errors.js';

export interface Closing {
  readonly code: number;
  /** At most 123 bytes, as the protocol has it. */
  readonly reason: string;
}

const closing = (code: number, reason: string): Closing => ({ code, reason });

export const GOING_AWAY = closing(1001, 'The server is going away.');
export const TOO_MANY_MESSAGES = closing(1008, 'Too many messages.');
/** Clients of graphql-ws take this for final. */
export const FAULT = closing(1011, 'Internal error.');
/** Clients of graphql-ws connect again. */
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

/** The closing that the protocol's library asks for by its code; what it says itself may hold what the client sent. */
export function closingOf(code: number | undefined): Closing {
  return BY_CODE.get(code ?? 0) ?? FAULT;
}

const BY_ERROR: Partial<Record<ErrorCode, Closing>> = {
  TOKEN_EXPIRED,
  MISSING_TOKEN: NO_CREDENTIALS,
  INVALID_TOKEN: NOT_AUTHENTICATED,
  USER_NOT_FOUND: NOT_AUTHENTICATED,
  ACCOUNT_DISABLED: NOT_AUTHENTICATED,
  INSUFFICIENT_PERMISSIONS: NOT_AUTHENTICATED,
};

/**
 * The closing for a socket that cannot go on because of an error. What is not about the credentials is a passing error of
 * the server: the client should connect again.
 */
export function closingFor({ code }: AppError): Closing {
  return BY_ERROR[code] ?? TRY_AGAIN;
}

/** Whether credentials were refused, rather than not looked at. */
export function isRefusal(closing: Closing): boolean {
  return closing === NOT_AUTHENTICATED || closing === NO_CREDENTIALS || closing === TOKEN_EXPIRED;
}
