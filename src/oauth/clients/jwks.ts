/** Validation of the public keys that a client registers for `private_key_jwt` (RFC 7517). */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { AssertionAlgorithm } from './assertion.js';

/** The members that are stored, by key type. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
};
/** The algorithms of client assertions for which a key can be used. A key for another one would fail at each authentication. */
const ALGORITHMS: Readonly<Record<string, readonly AssertionAlgorithm[]>> = {
  RSA: ['RS256', 'PS256'],
  'P-256': ['ES256'],
  Ed25519: ['EdDSA', 'Ed25519'],
};
/** Members of private and symmetric keys (RFC 7518 section 6). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
const MAX_KEYS = 10;
const MAX_MEMBER = 2048;
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
/** FIPS 186-5 section 5.4. With 1, anybody can sign. */
const MIN_RSA_EXPONENT = 65_537n;
const MAX_KEY_ID = 256;
const PRINTABLE = /^[\x20-\x7e]+$/;

export interface PublicJwks {
  readonly keys: readonly Record<string, string>[];
}

/** The key set to store, with the known members only, or an error message. */
export function checkJwks(jwks: unknown): { readonly value: PublicJwks } | { readonly error: string } {
  const keys = isRecord(jwks) ? jwks['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MAX_KEYS)
    return { error: `must be a JWK Set with 1 to ${MAX_KEYS} keys` };
  const checked: Record<string, string>[] = [];
  for (const [at, key] of keys.entries()) {
    const result = checkKey(key);
    if (typeof result === 'string') return { error: `key ${at + 1}: ${result}` };
    checked.push(result);
  }
  const ids = checked.map(({ kid }) => kid);
  if (new Set(ids).size < ids.length) return { error: 'each key must have a kid of its own' };
  return { value: { keys: checked } };
}

/** The key, or an error message. */
function checkKey(key: unknown): Record<string, string> | string {
  if (!isRecord(key)) return 'must be a JSON Web Key';
  const { kty, kid, use, alg } = key;
  if (kty === 'oct' || PRIVATE.some((member) => member in key)) return 'must be a public key';
  const members = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined;
  if (!members || typeof kty !== 'string') return 'kty must be RSA, EC or OKP';
  if (use !== undefined && use !== 'sig') return 'use must be sig';
  if (kid !== undefined && !(typeof kid === 'string' && kid.length <= MAX_KEY_ID && PRINTABLE.test(kid)))
    return 'kid must be at most 256 printable ASCII characters';

  const jwk: Record<string, string> = { kty };
  for (const member of members) {
    const value = key[member];
    if (typeof value !== 'string' || value.length > MAX_MEMBER || !/^[\w-]+$/.test(value))
      return `${member} is invalid`;
    jwk[member] = value;
  }
  const algorithms = ALGORITHMS[kty === 'RSA' ? kty : (jwk['crv'] ?? '')];
  if (!algorithms) return 'crv must be P-256 or Ed25519';
  if (alg !== undefined && !algorithms.some((each) => each === alg))
    return `alg must be one of ${algorithms.join(', ')}`;
  const error = materialError(jwk);
  if (error !== undefined) return error;
  return {
    ...jwk,
    ...(typeof kid === 'string' ? { kid } : {}),
    ...(use === undefined ? {} : { use: 'sig' }),
    ...(typeof alg === 'string' ? { alg } : {}),
  };
}

function materialError(jwk: JsonWebKey): string | undefined {
  try {
    const { modulusLength: bits, publicExponent } =
      createPublicKey({ key: jwk, format: 'jwk' }).asymmetricKeyDetails ?? {};
    if (publicExponent !== undefined && publicExponent < MIN_RSA_EXPONENT)
      return `an RSA key must have an exponent of at least ${MIN_RSA_EXPONENT}`;
    if (bits !== undefined && (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS))
      return `an RSA key must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits`;
    return undefined;
  } catch {
    return 'is not a valid key';
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
