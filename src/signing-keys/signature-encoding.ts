/**
 * One encoding for each signature. Base64url without padding leaves spare bits that decoders ignore (RFC 4648 section 3.5),
 * and with every ECDSA signature (r, s) the pair (r, n − s) verifies too. Accepting such twins would let anyone turn a token
 * into a second text that verifies, past whatever knows tokens by their text.
 */

/** The order of P-256 (FIPS 186-4, D.1.2.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/** Half of a signature of ES256: r or s (RFC 7518 section 3.4). */
const P256_BYTES = 32;

/** Whether a token's signature is encoded as it is issued: canonical base64url and, for ES256, the lower s. */
export function isCanonical(token: string, algorithm: string): boolean {
  const encoded = token.slice(token.lastIndexOf('.') + 1);
  const signature = Buffer.from(encoded, 'base64url');
  if (signature.toString('base64url') !== encoded) return false;
  return algorithm !== 'ES256' || sOf(signature) <= P256_ORDER / 2n;
}

/** The token with its signature as `isCanonical` accepts it; the library signs with either s. */
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
