/**
 * One key that signs and verifies access tokens (RFC 9068) through @fastify/jwt, whose signer and verifier
 * are made once per registration: a key that comes with a rotation gets an instance of its own, since the
 * running server takes no more plugins.
 */
import fastifyJwt, { type FastifyJWTOptions } from '@fastify/jwt';
import fastify from 'fastify';
import type { JwtAlgorithm } from '../config/config.js';
import { canonical, isCanonical } from './signature-encoding.js';

/** RFC 9068 section 2.1. */
const TOKEN_TYPE = 'at+jwt';

export interface JwtKey {
  readonly kid: string;
  /** Signs the claims as they are. */
  sign(claims: object): string;
  /** The claims of a token that this key signed, of any age; throws for any other. */
  verify(token: string): Record<string, unknown>;
}

export interface JwtKeyOptions {
  readonly kid: string;
  readonly algorithm: JwtAlgorithm;
  /** The shared secret, or the public key in PEM. */
  readonly verifyWith: string;
  /** The shared secret, or the private key in PEM; left out for a key that no longer signs. */
  readonly signWith?: string | undefined;
  /** Issuer and audience: the deployment's PUBLIC_URL. */
  readonly issuer: string;
}

/** The library takes a missing `iss`, `aud` or `exp` for a right one unless they are required. */
const REQUIRED_CLAIMS = ['iss', 'aud', 'sub', 'sid', 'scope', 'type', 'jti', 'iat', 'exp'];

/** Makes a key ready for use. */
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
      // The house's clock decides about time, so that one clock rules and a test can move it.
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
