/** ID tokens (OpenID Connect Core 1.0 sections 2 and 12.2). */
import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.js';
import type { IssuedSession } from '../../sessions/service.js';
import type { IdTokenKeys } from '../../signing-keys/id-token-keys.js';
import { accountClaims, acrOf } from '../claims.js';

/** Signs the ID token of a grant. @param nonce of the authorization request; left out at a refresh */
export type SignIdToken = (issued: IssuedSession, accessToken: string, nonce?: string | null) => string;

export interface IdTokensOptions {
  readonly keys: IdTokenKeys;
  readonly clock: Clock;
  readonly issuer: string;
  /** Lifetime in milliseconds. */
  readonly ttlMs: number;
}

/** The hash of a signature algorithm; Ed25519 uses SHA-512 (RFC 8032). */
const HASHES = { RS256: 'sha256', PS256: 'sha256', ES256: 'sha256', EdDSA: 'sha512' } as const;

/**
 * @returns loads the key, which may read the database. Call it before anything is spent.
 */
export function createIdTokens({ keys, clock, issuer, ttlMs }: IdTokensOptions): () => Promise<SignIdToken> {
  return async () => {
    const key = await keys.current();
    return ({ session, account, scopes }, accessToken, nonce) => {
      const iat = Math.floor(clock.now() / 1000);
      return key.sign({
        iss: issuer,
        sub: account.id,
        aud: session.clientId,
        exp: iat + Math.floor(ttlMs / 1000),
        iat,
        auth_time: Math.floor(session.authenticatedAt.getTime() / 1000),
        acr: acrOf(session.amr),
        amr: session.amr,
        ...(nonce == null ? {} : { nonce }),
        at_hash: leftHalf(HASHES[keys.algorithm], accessToken),
        ...(session.browserSessionId === null ? {} : { sid: session.browserSessionId }),
        ...accountClaims(account, scopes),
      });
    };
  };
}

function leftHalf(algorithm: string, text: string): string {
  const digest = createHash(algorithm).update(text).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
