/**
 * Verifies Latchkey's access tokens (RFC 9068) with the public keys of its JWKS (RFC 7517). Keys are fetched when first
 * needed, cached, and fetched again when a token names an unknown key, so that a key rotation needs no restart.
 */
import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import { VerificationError } from './errors.js';
import { isAboutToken } from './keys.js';
import type { VerifiedToken } from './verified-token.js';

export interface AccessTokenOptions {
  readonly issuer: string;
  readonly audience: string | string[];
  readonly algorithms: string[];
  /** Accepted difference between clocks, in seconds. */
  readonly clockTolerance: number;
  readonly log: { warn(fields: object, message: string): void } | undefined;
}

/** @throws VerificationError TOKEN_EXPIRED, INVALID_TOKEN, SERVICE_UNAVAILABLE */
export type VerifyAccessToken = (token: string) => Promise<VerifiedToken>;

const RETRY_AFTER_S = 5;

export function createVerifyAccessToken(
  keys: JWTVerifyGetKey,
  { log, ...expected }: AccessTokenOptions,
): VerifyAccessToken {
  const options: JWTVerifyOptions = { ...expected, typ: 'at+jwt', requiredClaims: ['sub', 'exp', 'iat'] };

  function toVerificationError(error: unknown): VerificationError {
    if (error instanceof errors.JWTExpired)
      return new VerificationError('TOKEN_EXPIRED', 'The access token has expired.', {}, error);
    if (isAboutToken(error)) return invalidToken(error);
    log?.warn({ err: error }, 'The signing keys of Latchkey cannot be fetched');
    const details = { retryAfter: RETRY_AFTER_S };
    return new VerificationError('SERVICE_UNAVAILABLE', 'Access tokens cannot be verified now.', details, error);
  }

  return async (token) => {
    const claims = await jwtVerify(token, keys, options).then(
      ({ payload }) => payload,
      (error: unknown) => {
        throw toVerificationError(error);
      },
    );
    return readClaims(claims);
  };
}

/** @throws VerificationError INVALID_TOKEN for a token that is no access token */
function readClaims(claims: JWTPayload): VerifiedToken {
  const { sub, sid, client_id: clientId, scope, type, exp } = claims;
  if (type !== 'access' || typeof scope !== 'string' || sub === undefined || exp === undefined) throw invalidToken();
  return {
    kind: 'access-token',
    subject: sub,
    sessionId: typeof sid === 'string' ? sid : undefined,
    clientId: typeof clientId === 'string' ? clientId : undefined,
    scopes: new Set(scope.split(' ').filter((name) => name !== '')),
    expiresAt: new Date(exp * 1000),
    claims,
  };
}

export function invalidToken(cause?: unknown): VerificationError {
  return new VerificationError('INVALID_TOKEN', 'The access token is not valid.', {}, cause);
}
