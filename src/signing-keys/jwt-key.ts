/**
 * One key that signs and verifies JWTs of one type with @fastify/jwt. The plugin creates its signer and verifier once per
 * registration, and a running server accepts no further plugins, so each key gets a Fastify instance of its own.
 */
import fastifyJwt, { type FastifyJWTOptions } from '@fastify/jwt';
import fastify from 'fastify';
import type { JwtAlgorithm } from '../config/config.js';
import { canonical, isCanonical } from './signature-encoding.js';

export interface JwtKey {
  readonly kid: string;
  /** Signs the claims unchanged. */
  sign(claims: object): string;
  /** The claims of a token that this key signed. Checks neither the expiry nor the audience. @throws Error for any other token */
  verify(token: string): Record<string, unknown>;
}

export interface JwtKeyOptions {
  readonly kid: string;
  readonly algorithm: JwtAlgorithm;
  /** The shared secret, or the public key in PEM. */
  readonly verifyWith: string;
  /** The shared secret, or the private key in PEM; left out for a retired key. */
  readonly signWith?: string | undefined;
  /** The deployment's PUBLIC_URL. */
  readonly issuer: string;
  readonly type: TokenType;
}

/** What a JWT is for. */
export interface TokenType {
  /** The header `typ`. */
  readonly typ: string;
  /** The library accepts tokens without `iss`, `aud` or `exp` unless the claims are required. */
  readonly requiredClaims: readonly string[];
}

/** RFC 9068 section 2.1. */
export const ACCESS_TOKEN: TokenType = {
  typ: 'at+jwt',
  requiredClaims: ['iss', 'aud', 'sub', 'sid', 'scope', 'type', 'jti', 'iat', 'exp'],
};
/** OpenID Connect Core 1.0 section 2. */
export const ID_TOKEN: TokenType = { typ: 'JWT', requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp'] };
/** OpenID Connect Back-Channel Logout 1.0 section 2.4. */
export const LOGOUT_TOKEN: TokenType = { typ: 'logout+jwt', requiredClaims: ['iss', 'aud', 'iat', 'jti', 'events'] };

/** Creates a key. */
export async function createJwtKey({
  kid,
  algorithm,
  verifyWith,
  signWith,
  issuer,
  type,
}: JwtKeyOptions): Promise<JwtKey> {
  const options: FastifyJWTOptions = {
    secret: signWith === undefined ? { public: verifyWith } : { private: signWith, public: verifyWith },
    sign: { algorithm, kid, header: { alg: algorithm, typ: type.typ } },
    verify: {
      algorithms: [algorithm],
      checkTyp: type.typ,
      requiredClaims: [...type.requiredClaims],
      allowedIss: issuer,
      // The caller checks the expiry with the shared clock.
      ignoreExpiration: true,
      cache: false,
      errorCacheTTL: -1,
    },
  };
  const holder = fastify();
  await holder.register(fastifyJwt, options);
  return {
    kid,
    sign: (claims) => canonical(holder.jwt.sign(claims), algorithm),
    verify(token) {
      if (!isCanonical(token, algorithm)) throw new Error('the signature is not in its canonical encoding');
      return holder.jwt.verify(token);
    },
  };
}
