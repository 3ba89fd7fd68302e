/**
 * One key that signs and verifies access tokens (RFC 9068) with @fastify/jwt. The plugin creates its signer and verifier once per
 * registration, and a running server accepts no further plugins, so each key gets a Fastify instance of its own.
 */
import fastifyJwt, { type FastifyJWTOptions } from '@fastify/jwt';
import fastify from 'fastify';
import type { JwtAlgorithm } from '../config/config.js';
import { canonical, isCanonical } from './signature-encoding.js';

/** RFC 9068 section 2.1. */
const TOKEN_TYPE = 'at+jwt';

export interface JwtKey {
  readonly kid: string;
  /** Signs the claims unchanged. */
  sign(claims: object): string;
  /** The claims of a token that this key signed. Does not check the expiry. @throws Error for any other token */
  verify(token: string): Record<string, unknown>;
}

export interface JwtKeyOptions {
  readonly kid: string;
  readonly algorithm: JwtAlgorithm;
  /** The shared secret, or the public key in PEM. */
  readonly verifyWith: string;
  /** The shared secret, or the private key in PEM; left out for a retired key. */
  readonly signWith?: string | undefined;
  /** Issuer and audience: the deployment's PUBLIC_URL. */
  readonly issuer: string;
}

/** The library accepts tokens without `iss`, `aud` or `exp` unless the claims are required. */
const REQUIRED_CLAIMS = ['iss', 'aud', 'sub', 'sid', 'scope', 'type', 'jti', 'iat', 'exp'];

/** Creates a key. */
export async function createJwtKey({ kid, algorithm, verifyWith, signWith, issuer }: JwtKeyOptions): Promise<JwtKey> {
  const options: FastifyJWTOptions = {
    secret: signWith === undefined ? { public: verifyWith } : { private: signWith, public: verifyWith },
    sign: { algorithm, kid, header: { alg: algorithm, typ: TOKEN_TYPE } },
    verify: {
      algorithms: [algorithm],
      checkTyp: TOKEN_TYPE,
      requiredClaims: REQUIRED_CLAIMS,
      allowedIss: issuer,
      allowedAud: issuer,
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
