/**
 * Sends introspection requests (RFC 7662). A failure is about Latchkey or the settings of this service, never about the credential, so
 * no error is a 401. After a failure, requests pause: an outage costs the callers no timeout each, and does not delay the recovery.
 */
import { VerificationError } from './errors.js';

/** A response about an active credential. */
export interface ActiveCredential {
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** `exp`, in milliseconds since the epoch; undefined for a credential that does not expire. */
  readonly expiresAt: number | undefined;
  readonly tokenType: string;
  /** Every member of the response. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** Asks Latchkey. Undefined if the credential is not active. @throws VerificationError SERVICE_UNAVAILABLE, INTERNAL_ERROR */
export type Introspect = (token: string, ipAddress: string | undefined) => Promise<ActiveCredential | undefined>;

export interface IntrospectionRequestOptions {
  readonly endpoint: URL;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Timeout of a request, in milliseconds. */
  readonly timeout: number;
  readonly log: { warn(fields: object, message: string): void } | undefined;
}

/** The pause after a failure, in milliseconds; longer if Latchkey sends `Retry-After`. */
const PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;

/** Why a request failed. */
class IntrospectionFailure extends Error {
  constructor(
    message: string,
    /** Whether the settings of this service are wrong, so that a retry does not help. */
    readonly isConfiguration: boolean,
    readonly pauseMs = PAUSE_MS,
  ) {
    super(message);
  }
}

export function createIntrospect(options: IntrospectionRequestOptions): Introspect {
  const { endpoint, issuer, clientId, clientSecret, timeout, log } = options;
  const basic = Buffer.from([clientId, clientSecret].map(encodeURIComponent).join(':')).toString('base64');
  let pause: { readonly cause: unknown; readonly from: number; readonly until: number } | undefined;

  async function send(token: string, ipAddress: string | undefined): Promise<ActiveCredential | undefined> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}`, accept: 'application/json' },
      body: new URLSearchParams({ token, ...(ipAddress === undefined ? {} : { ip_address: ipAddress }) }),
      // A redirect would send client secret and key to another place.
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw failureOf(response);
    }
    return readResponse(await response.json(), issuer);
  }

  return async (token, ipAddress) => {
    const now = Date.now();
    if (pause && pause.from <= now && now < pause.until) throw toVerificationError(pause.cause, pause.until - now);
    pause = undefined;
    try {
      return await send(token, ipAddress);
    } catch (error) {
      const pauseMs = error instanceof IntrospectionFailure ? error.pauseMs : PAUSE_MS;
      const from = Date.now();
      pause = { cause: error, from, until: from + pauseMs };
      if (isConfiguration(error)) log?.warn({ err: error }, 'Latchkey refuses introspection; check its options');
      else log?.warn({ err: error }, 'Latchkey cannot be reached for introspection');
      throw toVerificationError(error, pauseMs);
    }
  };
}

function failureOf({ status, headers }: Response): IntrospectionFailure {
  const message = `The response to the introspection request has status ${status}`;
  const isTemporary = status === 408 || status === 429 || status >= 500;
  const seconds = Number(headers.get('retry-after'));
  const pauseMs = seconds > 0 ? Math.min(seconds * 1000, MAX_PAUSE_MS) : PAUSE_MS;
  return new IntrospectionFailure(message, !isTemporary, pauseMs);
}

/** Reads the response of a Latchkey. */
function readResponse(response: unknown, issuer: string): ActiveCredential | undefined {
  const members = typeof response === 'object' && response !== null ? (response as Record<string, unknown>) : {};
  const { active, sub, scope, exp, iss, token_type: tokenType } = members;
  if (active === false) return undefined;
  if (active !== true || typeof sub !== 'string' || typeof scope !== 'string' || typeof tokenType !== 'string')
    throw new IntrospectionFailure('The introspection response is malformed', false);
  if (iss !== issuer)
    throw new IntrospectionFailure(`The introspection response is of the issuer ${String(iss)}, not ${issuer}`, true);
  return {
    subject: sub,
    scopes: new Set(scope.split(' ').filter((name) => name !== '')),
    expiresAt: typeof exp === 'number' ? exp * 1000 : undefined,
    tokenType,
    members,
  };
}

function isConfiguration(error: unknown): boolean {
  return error instanceof IntrospectionFailure && error.isConfiguration;
}

/** @param pauseMs until the next request, in milliseconds */
function toVerificationError(cause: unknown, pauseMs: number): VerificationError {
  if (isConfiguration(cause)) return new VerificationError('INTERNAL_ERROR', 'Internal error.', {}, cause);
  const retryAfter = Math.max(1, Math.ceil(pauseMs / 1000));
  const message = 'The credential cannot be verified now.';
  return new VerificationError('SERVICE_UNAVAILABLE', message, { retryAfter }, cause);
}
