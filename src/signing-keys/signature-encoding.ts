/**
 * Rejects malleable signatures. Decoders ignore the spare bits of base64url (RFC 4648 section 3.5), and for every ECDSA signature
 * (r, s) the pair (r, n − s) also verifies. Without this check, anybody could create a second valid text of a token, which
 * bypasses lookups by token text.
 */

/** The order of P-256 (FIPS 186-4, D.1.2.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** The size of r and of s in an ES256 signature (RFC 7518 section 3.4). */
const P256_BYTES = 32;

/** Whether the signature is canonical base64url and, for ES256, has the lower s. */
export function isCanonical(token: string, algorithm: string): boolean {
  const encoded = token.slice(token.lastIndexOf('.') + 1);
  const signature = Buffer.from(encoded, 'base64url');
  if (signature.toString('base64url') !== encoded) return false;
  return algorithm !== 'ES256' || sOf(signature) <= P256_ORDER / 2n;
}

/** The token with a canonical signature. The library may sign with either s. */
export function canonical(token: string, algorithm: string): string {
  if (algorithm !== 'ES256') return token;
  const end = token.lastIndexOf('.') + 1;
  const signature = Buffer.from(token.slice(end), 'base64url');
  const s = sOf(signature);
  if (s <= P256_ORDER / 2n) return token;
  signature.write((P256_ORDER - s).toString(16).padStart(P256_BYTES * 2, '0'), P256_BYTES, 'hex');
  return token.slice(0, end) + signature.toString('base64url');
}

function sOf(signature: Buffer): bigint {
  return BigInt(`0x${signature.toString('hex', P256_BYTES) || '0'}`);
}
