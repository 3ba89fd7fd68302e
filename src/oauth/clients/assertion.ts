/**
 * Client assertions (RFC 7523 section 3): the verification of `private_key_jwt`. It uses the synchronous functions of node:crypto,
 * because those of WebCrypto wait for the threads that compute password hashes.
 */
import { constants, createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { OAuthClient } from './client.js';

/** The accepted signature algorithms (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2). */
export const ASSERTION_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;
export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number];

/** A verified assertion. It must be used once. */
export interface VerifiedAssertion {
  readonly jti: string;
  readonly expiresAt: Date;
}

/** An assertion must expire within this time. */
const MAX_LIFETIME_MS = 5 * 60_000;
/** Accepted difference of the clocks. */
const SKEW_MS = 30_000;
const MAX_LENGTH = 8192;
const MAX_JTI_LENGTH = 256;
const SEGMENTS = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
const KEY_TYPES: Readonly<Record<AssertionAlgorithm, Readonly<Record<string, string>>>> = {
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
};

/**
 * Public keys whose private halves nobody has. An assertion without a key of its client is verified with one of them, and refused:
 * so an unknown client takes as long as a wrong signature.
 */
const DECOYS: Readonly<Record<string, JsonWebKey>> = {
  RSA: {
    kty: 'RSA',
    n: 'r6u_rVtdyE17fHlbuIZW78BB4e1IfmQdXbqu__lQEQBY0ICWMTb0TnZbTIHZq2P6jOswaqaGKS-ZxorgjASOUIgg3ryC8NVILuwuX0qgj5W1QzK7C6PAy5w4AjwhamtOKC1YrL6TT-ljbiE1tHNj5_FQJm4LTE2PdukzjsoG3YVNGV9mSLidYWMXDGWrOY_qe3Oy5JO-GvnfeQwuMLuaCGBRL5-XbzOCJoXavis81dBtqffOzcnjRByO51LrzvaSv9Wtdl-JEURu0-w6Z3AweZBa7frXiLbqWobzadOGCK2n8uiy7fKr2fzJEud0G-eYKo54B_Fyn1KBrnHcxPqmLw',
    e: 'AQAB',
  },
  EC: {
    kty: 'EC',
    crv: 'P-256',
    x: 'TacoJN70nZciUhSJr2cnubaTBNxggH8SVJfTUjs0sLU',
    y: 'k7RF87okps4GToV9IipClBOgqIMGvMiWneTJHSfpYpY',
  },
  OKP: { kty: 'OKP', crv: 'Ed25519', x: 's4IDQL13lLGwBWAoSNz4l78H8834lOXpbcuRUFgrc0o' },
};

/** The unverified subject of an assertion, which is the `client_id`. */
export function subjectOfAssertion(assertion: string): string | undefined {
  const sub = parse(assertion)?.claims['sub'];
  return typeof sub === 'string' ? sub : undefined;
}

/**
 * Verifies signature, issuer, subject, audience and lifetime. Undefined if one of them is not valid.
 * @param client undefined if there is none: takes as long as a wrong signature
 * @param audiences the accepted values of `aud`
 * @param now in milliseconds
 */
export function verifyAssertion(
  assertion: string,
  client: Pick<OAuthClient, 'id' | 'jwks'> | undefined,
  audiences: readonly string[],
  now: number,
): VerifiedAssertion | undefined {
  const parsed = parse(assertion);
  if (!parsed) return undefined;
  const { header, claims, signed, signature } = parsed;
  const algorithm = ASSERTION_ALGORITHMS.find((each) => each === header['alg']);
  // No extension of JWS is supported, so `crit` makes it invalid (RFC 7515 section 4.1.11).
  if (!algorithm || 'crit' in header) return undefined;
  const jwk = findKey(client?.jwks?.keys ?? [], algorithm, header['kid']);
  const isSigned = isSignedBy(jwk ?? DECOYS[KEY_TYPES[algorithm]['kty']!]!, algorithm, signed, signature);
  if (!client || !jwk || !isSigned) return undefined;

  const { iss, sub, aud, exp, nbf = 0, iat = 0, jti } = claims;
  if (iss !== client.id || sub !== client.id) return undefined;
  if (![aud].flat().some((each) => typeof each === 'string' && audiences.includes(each))) return undefined;
  if (![exp, nbf, iat].every((each) => typeof each === 'number' && Number.isFinite(each))) return undefined;
  const [expiresAt, notBefore, issuedAt] = [exp, nbf, iat].map((seconds) => (seconds as number) * 1000);
  if (expiresAt! <= now || expiresAt! > now + MAX_LIFETIME_MS + SKEW_MS) return undefined;
  if (notBefore! > now + SKEW_MS || issuedAt! > now + SKEW_MS) return undefined;
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) return undefined;
  return { jti, expiresAt: new Date(expiresAt!) };
}

function parse(assertion: string) {
  const segments = assertion.length > MAX_LENGTH ? null : SEGMENTS.exec(assertion);
  if (!segments) return undefined;
  const [, head, body, signature] = segments;
  const [header, claims] = [head, body].map((segment) => toObject(segment!));
  if (!header || !claims) return undefined;
  return { header, claims, signed: Buffer.from(`${head}.${body}`), signature: Buffer.from(signature!, 'base64url') };
}

function toObject(segment: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The key with this id, or without an id the only one for the algorithm. */
function findKey(
  keys: readonly Readonly<Record<string, unknown>>[],
  algorithm: AssertionAlgorithm,
  kid: unknown,
): JsonWebKey | undefined {
  const suitable = keys.filter(
    (key) =>
      Object.entries(KEY_TYPES[algorithm]).every(([name, value]) => key[name] === value) &&
      (key['alg'] === undefined || canonical(key['alg']) === canonical(algorithm)) &&
      (key['use'] === undefined || key['use'] === 'sig') &&
      (kid === undefined || key['kid'] === kid),
  );
  return suitable.length === 1 ? suitable[0] : undefined;
}

function isSignedBy(jwk: JsonWebKey, algorithm: AssertionAlgorithm, signed: Buffer, signature: Buffer): boolean {
  const key = toPublicKey(jwk);
  if (!key) return false;
  if (canonical(algorithm) === 'Ed25519') return verify(null, signed, key, signature);
  if (algorithm === 'ES256') return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature);
  const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;
  const padding =
    algorithm === 'RS256'
      ? { padding: RSA_PKCS1_PADDING }
      : { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST };
  return verify('sha256', signed, { key, ...padding }, signature);
}

/** With the keys that are accepted, `EdDSA` is Ed25519. */
function canonical(algorithm: unknown): unknown {
  return algorithm === 'EdDSA' ? 'Ed25519' : algorithm;
}

function toPublicKey(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}
