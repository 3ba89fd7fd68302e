/**
 * Verifies Latchkey's access tokens (RFC 9068) with the public keys of its JWKS (RFC 7517). Keys are fetched when first
 * needed, cached, and fetched again when a token names an unknown key, so that a key rotation needs no restart.
 */
import { errors, jwtVerify, type JWTPayload } from 'jose';
import { VerificationError } from './errors.js';
import { createKeys, isAboutToken } from './keys.js';
import { assertScopes, type RequiredScopes } from './scopes.js';

/** Asymmetric algorithms only: a verifier never holds a key that could sign. */
export const ALGORITHMS = ['EdDSA', 'ES256', 'PS256', 'RS256'] as const;
export type VerifierAlgorithm = (typeof ALGORITHMS)[number];

export interface VerifierOptions {
  /** Latchkey's PUBLIC_URL. Tokens of another issuer are refused. */
  readonly issuer: string;
  /** The audience that tokens must name, or several of which one is enough. Default: the issuer. */
  readonly audience?: string | readonly string[];
  /** Default: `<issuer>/.well-known/jwks.json`. */
  readonly jwksUri?: string | URL;
  /** Scopes that every token must hold, as OR of ANDs. */
  readonly requiredScopes?: RequiredScopes;
  /** Accepted algorithms. Default: all of `ALGORITHMS`. */
  readonly algorithms?: readonly VerifierAlgorithm[];
  /** Accepted difference between clocks, in seconds. Default 5. */
  readonly clockTolerance?: number;
  /** Timeout of a JWKS request, in milliseconds. Default 5000. */
  readonly timeout?: number;
  /** Minimum time between JWKS requests for unknown keys, and after a failed one, in milliseconds. Default 5000. */
  readonly cooldown?: number;
  /**
   * How long fetched keys are used before they are fetched again, in milliseconds. Default 600000. If the issuer cannot be reached
   * then, they are used for one more hour.
   */
  readonly cacheMaxAge?: number;
  /** Receives the cause when the keys cannot be fetched. `console`, pino and `app.log` fit. */
  readonly log?: { warn(fields: object, message: string): void };
}

/** A verified access token. */
export interface VerifiedToken {
  /** `sub`: the id of the account or service account. */
  readonly subject: string;
  /** `sid`: the session; undefined for tokens without one. */
  readonly sessionId: string | undefined;
  /** `client_id`: the application that the token was issued to. */
  readonly clientId: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly expiresAt: Date;
  /** Every claim of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface Verifier {
  /**
   * Verifies an access token.
   * @throws VerificationError TOKEN_EXPIRED, INVALID_TOKEN, INSUFFICIENT_PERMISSIONS, SERVICE_UNAVAILABLE
   */
  verify(token: string): Promise<VerifiedToken>;
  /**
   * Verifies the token of an `Authorization` header (RFC 6750 section 2.1).
   * @throws VerificationError MISSING_TOKEN, and whatever `verify` throws
   */
  authenticate(authorization: string | undefined): Promise<VerifiedToken>;
}

const RETRY_AFTER_S = 5;

/** Creates a verifier. Create one per issuer and keep it: it caches the keys. @throws TypeError for bad options */
export function createVerifier(options: VerifierOptions): Verifier {
  // jose would not check the issuer of tokens: for callers without types, such as of an unset environment variable.
  if (!options.issuer) throw new TypeError('issuer: must be the PUBLIC_URL of Latchkey');
  const { issuer, jwksUri = `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`, algorithms = ALGORITHMS } = options;
  const { audience = issuer, requiredScopes, log, clockTolerance = 5, cooldown = 5000 } = options;
  const unknown = algorithms.find((name) => !ALGORITHMS.includes(name));
  if (unknown !== undefined) throw new TypeError(`algorithms: ${unknown} is not one of ${ALGORITHMS.join(', ')}`);
  const { timeout = 5000, cacheMaxAge = 600_000 } = options;
  const keys = createKeys(new URL(jwksUri), { timeout, cooldown, cacheMaxAge, log });

  async function verify(token: string): Promise<VerifiedToken> {
    const claims = await jwtVerify(token, keys, {
      issuer,
      audience: typeof audience === 'string' ? audience : [...audience],
      algorithms: [...algorithms],
      typ: 'at+jwt',
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance,
    }).then(
      ({ payload }) => payload,
      (error: unknown) => {
        throw refusalOf(error);
      },
    );
    const verified = readClaims(claims);
    if (requiredScopes) assertScopes(verified, requiredScopes);
    return verified;
  }

  function refusalOf(error: unknown): VerificationError {
    if (error instanceof errors.JWTExpired)
      return new VerificationError('TOKEN_EXPIRED', 'The access token has expired.', {}, error);
    if (isAboutToken(error)) return invalidToken(error);
    log?.warn({ err: error }, 'The signing keys of Latchkey cannot be fetched');
    const details = { retryAfter: RETRY_AFTER_S };
    return new VerificationError('SERVICE_UNAVAILABLE', 'Access tokens cannot be verified now.', details, error);
  }

  return {
    verify,
    async authenticate(authorization) {
      if (!authorization) throw new VerificationError('MISSING_TOKEN', 'An access token is required.');
      const token = /^Bearer +([^ ]+)$/i.exec(authorization)?.[1];
      if (token === undefined) throw invalidToken();
      return verify(token);
    },
  };
}

/** @throws VerificationError INVALID_TOKEN for a token that is no access token */
function readClaims(claims: JWTPayload): VerifiedToken {
  const { sub, sid, client_id: clientId, scope, type, exp } = claims;
  if (type !== 'access' || typeof scope !== 'string' || sub === undefined || exp === undefined) throw invalidToken();
  return {
    subject: sub,
    sessionId: typeof sid === 'string' ? sid : undefined,
    clientId: typeof clientId === 'string' ? clientId : undefined,
    scopes: new Set(scope.split(' ').filter((name) => name !== '')),
    expiresAt: new Date(exp * 1000),
    claims,
  };
}

function invalidToken(cause?: unknown): VerificationError {
  return new VerificationError('INVALID_TOKEN', 'The access token is not valid.', {}, cause);
}
