/** The claims of access tokens (RFC 9068 section 2.2). */

/** The claims of a verified access token. */
export interface VerifiedAccessToken {
  readonly userId: string;
  readonly sessionId: string;
  /** The session's access epoch at the time of issue; 0 for tokens of older releases, which had none. */
  readonly epoch: number;
  readonly scopes: ReadonlySet<string>;
  /** The OAuth client of a delegated token; null for a first-party session. */
  readonly clientId: string | null;
  /** Whether `userId` is a service account and `sessionId` its grant. */
  readonly isService: boolean;
  /** Whether the account had to enrol a second factor first. The token then has no scopes; its session has those of the role. */
  readonly enrolling: boolean;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A verified token that may be for another resource server. */
export interface InspectedAccessToken extends VerifiedAccessToken {
  readonly audience: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly jti: string;
}

/** `client_id` of first-party sessions, since RFC 9068 section 2.2 requires the claim. */
export const FIRST_PARTY_CLIENT = 'first-party';
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

/** @throws Error unless the claims are those of an issued token */
export function readClaims({
  sub,
  sid,
  scope,
  type,
  epoch = 0,
  client_id: clientId = FIRST_PARTY_CLIENT,
  service,
  enroll,
  exp,
  iat,
}: Record<string, unknown>): VerifiedAccessToken {
  const isId = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);
  if (type !== 'access' || !isId(sub) || !isId(sid) || typeof scope !== 'string' || typeof clientId !== 'string')
    throw new Error('a claim is not as issued');
  if (![exp, iat, epoch].every(Number.isSafeInteger)) throw new Error('a number is not as issued');
  return {
    userId: sub,
    sessionId: sid,
    epoch: epoch as number,
    scopes: new Set(scope.split(' ')),
    clientId: clientId === FIRST_PARTY_CLIENT ? null : clientId,
    isService: service === true,
    enrolling: enroll === true,
    expiresAt: (exp as number) * 1000,
  };
}
