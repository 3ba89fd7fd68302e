/**
 * Access tokens: JWTs after RFC 9068. A token issued or verified by this process is cached until it expires. Whether its
 * session is alive, and still honours the token's epoch, is checked by the authenticator.
 */
import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.js';
import { AppError } from '../lib/errors.js';
import type { JwtKey } from '../signing-keys/jwt-key.js';
import type { SigningKeys } from '../signing-keys/service.js';

/** The claims of a verified access token. */
export interface VerifiedAccessToken {
  readonly userId: string;
  readonly sessionId: string;
  /** The session's access epoch when the token was issued; 0 for tokens of releases that had none. */
  readonly epoch: number;
  readonly scopes: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** The session as far as its access tokens depend on it. */
export interface TokenSession {
  readonly id: string;
  /** The OAuth client; null for a first-party session. */
  readonly clientId: string | null;
  /** The latest end of the session: no token outlives it. */
  readonly expiresAt: Date;
  /** When the person last proved who they are: `auth_time`. */
  readonly authenticatedAt: Date;
  /** How they proved it (RFC 8176): `amr`, left out when empty. */
  readonly amr: readonly string[];
  readonly accessEpoch: number;
}

/** Account, session and scopes of a token to issue. */
export interface AccessTokenSubject {
  readonly userId: string;
  readonly session: TokenSession;
  readonly scopes: readonly string[];
}

export interface AccessTokens {
  /** Issues a token, which lasts no longer than its session; `expiresIn` in seconds. */
  sign(subject: AccessTokenSubject): { token: string; expiresIn: number };
  /** @throws AppError TOKEN_EXPIRED when that is all that is wrong, else INVALID_TOKEN */
  verify(token: string): Promise<VerifiedAccessToken>;
  /** The account that a good token names; undefined for any other. At once, so without looking for unknown keys. */
  subjectOf(token: string): string | undefined;
}

export interface AccessTokensOptions {
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly accessTtlMs: number;
  readonly issuer: string;
}

/** `client_id` of first-party sessions, since RFC 9068 section 2.2 requires the claim. */
const FIRST_PARTY_CLIENT = 'first-party';
/** A token of ours has some 600 characters; this leaves room for many scopes. */
const MAX_TOKEN_LENGTH = 4096;
/** Tokens remembered: about 10 MB at most. */
const MAX_REMEMBERED = 10_000;
/** 192 bits of a signature. */
const KEY_LENGTH = 32;
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

interface Remembered {
  readonly token: string;
  readonly verified: VerifiedAccessToken;
}

export function createAccessTokens({ keys, clock, accessTtlMs, issuer }: AccessTokensOptions): AccessTokens {
  // Only tokens that are good are remembered, so that nobody can push them out with forgeries.
  const cache = new LRUCache<string, Remembered>({ max: MAX_REMEMBERED });
  const remember = (token: string, verified: VerifiedAccessToken) => cache.set(cacheKey(token), { token, verified });

  function recall(token: string): VerifiedAccessToken | undefined {
    const known = cache.get(cacheKey(token));
    if (known?.token !== token) return undefined;
    if (known.verified.expiresAt > clock.now()) return known.verified;
    cache.delete(cacheKey(token));
    throw tokenExpired();
  }

  /** Time is judged last, so that only a token that is otherwise right is told that it has expired. */
  function verifyWith(key: JwtKey | undefined, token: string): VerifiedAccessToken {
    if (!key) throw invalidToken();
    let verified: VerifiedAccessToken;
    try {
      verified = readClaims(key.verify(token));
    } catch (error) {
      throw invalidToken(error);
    }
    if (verified.expiresAt <= clock.now()) throw tokenExpired();
    remember(token, verified);
    return verified;
  }

  return {
    sign({ userId, session, scopes }) {
      const { id: sessionId, accessEpoch: epoch, amr } = session;
      const iat = Math.floor(clock.now() / 1000);
      const lifetimeMs = Math.min(accessTtlMs, session.expiresAt.getTime() - iat * 1000);
      const expiresIn = Math.max(1, Math.floor(lifetimeMs / 1000));
      const token = keys.current().sign({
        iss: issuer,
        aud: issuer,
        sub: userId,
        client_id: session.clientId ?? FIRST_PARTY_CLIENT,
        sid: sessionId,
        scope: scopes.join(' '),
        type: 'access',
        auth_time: Math.floor(session.authenticatedAt.getTime() / 1000),
        ...(amr.length > 0 ? { amr } : {}),
        epoch,
        jti: randomUUID(),
        iat,
        exp: iat + expiresIn,
      });
      // Verifying is dearer than signing, and the first request with it is about to come.
      remember(token, { userId, sessionId, epoch, scopes: new Set(scopes), expiresAt: (iat + expiresIn) * 1000 });
      return { token, expiresIn };
    },

    async verify(token) {
      const remembered = recall(token);
      if (remembered) return remembered;
      const kid = keyIdOf(token);
      return verifyWith(kid === undefined ? undefined : await keys.find(kid), token);
    },

    subjectOf(token) {
      try {
        return (recall(token) ?? verifyWith(keys.known(keyIdOf(token) ?? ''), token)).userId;
      } catch {
        return undefined;
      }
    },
  };
}

/** The end of the signature: a few characters are hashed for each request in place of the whole token. */
function cacheKey(token: string): string {
  return token.slice(-KEY_LENGTH);
}

/** The header's `kid`, unverified: it only chooses among our own keys. */
function keyIdOf(token: string): string | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return undefined;
  try {
    const header: unknown = JSON.parse(Buffer.from(token.slice(0, token.indexOf('.')), 'base64url').toString());
    const kid = (header as { kid?: unknown } | null)?.kid;
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}

function readClaims({ sub, sid, scope, type, epoch = 0, exp, iat }: Record<string, unknown>): VerifiedAccessToken {
  const isId = (value: unknown): value is string => typeof value === 'string' && UUID.test(value);
  if (type !== 'access' || !isId(sub) || !isId(sid) || typeof scope !== 'string')
    throw new Error('a claim is not as issued');
  if (![exp, iat, epoch].every(Number.isSafeInteger)) throw new Error('a number is not as issued');
  return {
    userId: sub,
    sessionId: sid,
    epoch: epoch as number,
    scopes: new Set(scope.split(' ')),
    expiresAt: (exp as number) * 1000,
  };
}

/** The answer to a token that its holder should renew by a refresh. */
export function tokenExpired(): AppError {
  return new AppError('TOKEN_EXPIRED', 'The access token has expired.');
}

function invalidToken(cause?: unknown): AppError {
  return new AppError('INVALID_TOKEN', 'The access token is not valid, or its session has ended.', {}, cause);
}
