/**
 * Access tokens: JWTs as in RFC 9068. Tokens that this process issued or verified are cached until they expire. The
 * authenticator checks that the session is live and that the token's epoch is current.
 */
import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.js';
import { AppError } from '../lib/errors.js';
import {
  FIRST_PARTY_CLIENT,
  readClaims,
  type InspectedAccessToken,
  type VerifiedAccessToken,
} from './access-token-claims.js';
import type { JwtKey } from '../signing-keys/jwt-key.js';
import type { SubjectRef } from '../authz/principal.js';
import type { SigningKeys } from '../signing-keys/service.js';

/** The parts of a session that its access tokens depend on. */
export interface TokenSession {
  readonly id: string;
  /** The OAuth client; null for a first-party session. */
  readonly clientId: string | null;
  /** Expiry of the session. No token outlives it. */
  readonly expiresAt: Date;
  /** Time of the last authentication: the claim `auth_time`. */
  readonly authenticatedAt: Date;
  /** Authentication methods (RFC 8176): the claim `amr`, left out if empty. */
  readonly amr: readonly string[];
  readonly accessEpoch: number;
}

/** Account, session and scopes of a token to issue. */
export interface AccessTokenSubject {
  readonly userId: string;
  readonly session: TokenSession;
  readonly scopes: readonly string[];
  /** Whether the account must enrol a second factor first: the claim `enroll`. Default false. */
  readonly enrolling?: boolean;
  /** The resource servers that it is for (RFC 8707); this deployment if left out. */
  readonly audience?: readonly string[];
  /** Lifetime in milliseconds; ACCESS_TOKEN_TTL if left out. */
  readonly ttlMs?: number;
  /** Whether `userId` is a service account and the session its grant. Default false. */
  readonly isService?: boolean;
}

export interface AccessTokens {
  /** Issues a token. It expires no later than its session. `expiresIn` is in seconds. */
  sign(subject: AccessTokenSubject): { token: string; expiresIn: number };
  /** Verifies a token of this issuer for any audience; undefined if it is not valid or has expired. */
  inspect(token: string): Promise<InspectedAccessToken | undefined>;
  /** @throws AppError TOKEN_EXPIRED for an otherwise valid token; INVALID_TOKEN */
  verify(token: string): Promise<VerifiedAccessToken>;
  /** A token that `verify` accepted before; undefined otherwise. @throws AppError TOKEN_EXPIRED */
  known(token: string): VerifiedAccessToken | undefined;
  /** The subject of a valid token; undefined otherwise. Synchronous: uses only keys that are already loaded. */
  subjectOf(token: string): SubjectRef | undefined;
}

export interface AccessTokensOptions {
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly accessTtlMs: number;
  readonly issuer: string;
}

/** Tokens have about 600 characters; this leaves room for many scopes. */
const MAX_TOKEN_LENGTH = 4096;
/** Cached tokens, at most about 10 MB. */
const MAX_CACHED = 10_000;
/** Sets of scopes that issued tokens share. */
const MAX_SCOPE_SETS = 1000;
/** 32 base64url characters: 192 bits of the signature. */
const KEY_LENGTH = 32;

interface CachedToken {
  readonly token: string;
  readonly verified: VerifiedAccessToken;
}

export function createAccessTokens({ keys, clock, accessTtlMs, issuer }: AccessTokensOptions): AccessTokens {
  // Caches valid tokens only, so forged ones cannot evict them.
  const cache = new LRUCache<string, CachedToken>({ max: MAX_CACHED });
  const addToCache = (token: string, verified: VerifiedAccessToken) => cache.set(cacheKey(token), { token, verified });

  /** Tokens of the same scopes share one set, because thousands of tokens are cached. */
  const scopeSets = new Map<string, ReadonlySet<string>>();
  function scopeSetOf(scope: string, scopes: readonly string[]): ReadonlySet<string> {
    const known = scopeSets.get(scope);
    if (known) return known;
    if (scopeSets.size >= MAX_SCOPE_SETS) scopeSets.clear();
    const created = new Set(scopes);
    scopeSets.set(scope, created);
    return created;
  }

  function fromCache(token: string): VerifiedAccessToken | undefined {
    const known = cache.get(cacheKey(token));
    if (known?.token !== token) return undefined;
    if (known.verified.expiresAt > clock.now()) return known.verified;
    cache.delete(cacheKey(token));
    throw tokenExpired();
  }

  /** Checks the expiry last, so TOKEN_EXPIRED is thrown only for otherwise valid tokens. */
  function verifyWith(key: JwtKey | undefined, token: string): VerifiedAccessToken {
    if (!key) throw invalidToken();
    let verified: VerifiedAccessToken;
    try {
      const claims = key.verify(token);
      if (![claims['aud']].flat().includes(issuer)) throw new Error('the token is for another audience');
      verified = readClaims(claims);
    } catch (error) {
      throw invalidToken(error);
    }
    if (verified.expiresAt <= clock.now()) throw tokenExpired();
    addToCache(token, verified);
    return verified;
  }

  return {
    sign({ userId, session, scopes, enrolling = false, audience = [], ttlMs = accessTtlMs, isService = false }) {
      const { id: sessionId, accessEpoch: epoch, amr } = session;
      const scope = scopes.join(' ');
      const iat = Math.floor(clock.now() / 1000);
      const lifetimeMs = Math.min(ttlMs, session.expiresAt.getTime() - iat * 1000);
      const expiresIn = Math.max(1, Math.floor(lifetimeMs / 1000));
      const token = keys.current().sign({
        iss: issuer,
        aud: audience.length > 1 ? audience : (audience[0] ?? issuer),
        sub: userId,
        client_id: session.clientId ?? FIRST_PARTY_CLIENT,
        sid: sessionId,
        scope,
        type: 'access',
        auth_time: Math.floor(session.authenticatedAt.getTime() / 1000),
        ...(amr.length > 0 ? { amr } : {}),
        epoch,
        ...(enrolling ? { enroll: true } : {}),
        ...(isService ? { service: true } : {}),
        jti: randomUUID(),
        iat,
        exp: iat + expiresIn,
      });
      // Verification costs more than signing, and the first request follows soon.
      const verified = {
        userId,
        sessionId,
        epoch,
        scopes: scopeSetOf(scope, scopes),
        clientId: session.clientId,
        isService,
        enrolling,
        expiresAt: (iat + expiresIn) * 1000,
      };
      if (audience.length === 0 || audience.includes(issuer)) addToCache(token, verified);
      return { token, expiresIn };
    },

    known: fromCache,

    async verify(token) {
      const cached = fromCache(token);
      if (cached) return cached;
      const kid = keyIdOf(token);
      return verifyWith(kid === undefined ? undefined : await keys.find(kid), token);
    },

    async inspect(token) {
      const kid = keyIdOf(token);
      const key = kid === undefined ? undefined : await keys.find(kid);
      try {
        const claims = key?.verify(token);
        if (!claims) return undefined;
        const verified = readClaims(claims);
        if (verified.expiresAt <= clock.now()) return undefined;
        const audience = [claims['aud']].flat().filter((each) => typeof each === 'string');
        return { ...verified, audience, issuedAt: claims['iat'] as number, jti: String(claims['jti']) };
      } catch {
        return undefined;
      }
    },

    subjectOf(token) {
      try {
        const { userId, isService } = fromCache(token) ?? verifyWith(keys.known(keyIdOf(token) ?? ''), token);
        return { kind: isService ? 'service-account' : 'user', id: userId };
      } catch {
        return undefined;
      }
    },
  };
}

/** The end of the signature, which is cheaper to hash than the whole token. */
function cacheKey(token: string): string {
  return token.slice(-KEY_LENGTH);
}

/** The unverified `kid` of the header. It only selects one of our own keys. */
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

/** Tells the client to refresh. */
export function tokenExpired(): AppError {
  return new AppError('TOKEN_EXPIRED', 'The access token has expired.');
}

function invalidToken(cause?: unknown): AppError {
  return new AppError('INVALID_TOKEN', 'The access token is not valid, or its session has ended.', {}, cause);
}
