/** Generates key pairs for EdDSA, ES256, PS256 and RS256, and their public halves as JWKs (RFC 7517, 7518, 8037). */
import { createHash, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export type AsymmetricAlgorithm = 'EdDSA' | 'ES256' | 'PS256' | 'RS256';

/** A public key as the JWKS publishes it. */
export type PublicJwk = Readonly<Record<string, string>>;

export interface KeyPair {
  readonly kid: string;
  readonly algorithm: AsymmetricAlgorithm;
  readonly publicJwk: PublicJwk;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

/** 128 bits of strength, like the other algorithms (NIST SP 800-57 part 1, table 2). */
const RSA_BITS = 3072;

const generate = promisify(generateKeyPair);

/** Generates a key pair. */
export async function generateSigningKey(algorithm: AsymmetricAlgorithm): Promise<KeyPair> {
  const { publicKey, privateKey } = await newPair(algorithm);
  const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const kid = thumbprint(jwk);
  return {
    kid,
    algorithm,
    publicJwk: { ...jwk, kid, alg: algorithm, use: 'sig' },
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

function newPair(algorithm: AsymmetricAlgorithm): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  if (algorithm === 'EdDSA') return promisify(generateKeyPair)('ed25519');
  if (algorithm === 'ES256') return generate('ec', { namedCurve: 'P-256' });
  return generate('rsa', { modulusLength: RSA_BITS });
}

/** JWK thumbprint (RFC 7638): the hash of the required members in lexical order. */
function thumbprint(jwk: Readonly<Record<string, string>>): string {
  const members = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((name) => jwk[name] !== undefined);
  const canonical = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])));
  return createHash('sha256').update(canonical).digest('base64url');
}
