/**
 * Authenticates an `Authorization` value (RFC 6750), over HTTP and WebSocket alike. Session and account are read from the
 * database each time.
 */
import type { AccountCore, AccountExtent } from '../users/account.js';
import type { Principal } from '../authz/principal.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { Clock } from '../lib/clock.js';
import { AppError } from '../lib/errors.js';
import { tokenExpired, type AccessTokens } from '../sessions/access-tokens.js';
import type { ReadSession } from '../sessions/liveness.js';
import { accountDisabled } from '../sessions/replays.js';
import { isLive, wasOver, type SessionRecord } from '../sessions/session.js';

/** A principal with its account; a whole one if asked for, so that `me` needs no second read. */
export type AccountPrincipal = Principal<AccountCore>;

/**
 * Authenticates the sender of an `Authorization` value.
 * @param extent how much of the account is read; all of it if left out
 * @throws AppError MISSING_TOKEN, TOKEN_EXPIRED, INVALID_TOKEN, USER_NOT_FOUND, ACCOUNT_DISABLED
 */
export type Authenticate = (authorization: string | undefined, extent?: AccountExtent) => Promise<AccountPrincipal>;

export interface AuthenticatorOptions {
  readonly accessTokens: Pick<AccessTokens, 'verify'>;
  readonly readSession: Readonly<Record<AccountExtent, ReadSession>>;
  readonly accountExists: (userId: string) => Promise<boolean>;
  /** Called with each session that is used. */
  readonly noteUse: (session: Pick<SessionRecord, 'id' | 'lastUsedAt'>) => void;
  readonly scopes: ScopeCatalogue;
  readonly clock: Clock;
  /** After how long without use a session is over, in milliseconds; undefined: never. */
  readonly idleTtlMs?: number | undefined;
}

/** The token of an `Authorization: Bearer` value (RFC 6750 section 2.1), or undefined. */
export function bearerToken(authorization: string | undefined): string | undefined {
  // The usual spelling, without a regular expression.
  if (authorization?.startsWith('Bearer ey') && !authorization.includes(' ', 7)) return authorization.slice(7);
  return /^Bearer +([^ ]+)$/i.exec(authorization ?? '')?.[1];
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  const { accessTokens, readSession, accountExists, noteUse, scopes, clock, idleTtlMs } = options;

  return async (authorization, extent = 'whole') => {
    if (!authorization) throw new AppError('MISSING_TOKEN', 'An access token is needed.');
    const token = bearerToken(authorization);
    if (token === undefined) throw invalidToken();
    const verified = await accessTokens.verify(token);
    const found = await readSession[extent](verified.sessionId);
    if (!found || found.account.id !== verified.userId) {
      throw (await accountExists(verified.userId)) ? invalidToken() : userNotFound();
    }
    if (found.account.deletedAt) throw userNotFound();
    // Checked before the session, which ended when the account was disabled.
    const { disabledAt } = found.account;
    if (disabledAt && !wasOver(found.session, disabledAt)) throw accountDisabled();
    if (!isLive(found.session, clock.now(), idleTtlMs)) throw invalidToken();
    // Issued before the password changed: the session lives on, and its client renews the token by a refresh.
    if (verified.epoch !== found.session.accessEpoch) throw tokenExpired();
    noteUse(found.session);
    return {
      user: found.account,
      credential: {
        kind: 'session',
        sessionId: verified.sessionId,
        authenticatedAt: found.session.authenticatedAt.getTime(),
        expiresAt: verified.expiresAt,
      },
      // The role's scopes of this moment, so that a demotion takes effect with the next request.
      scopes: intersect(verified.scopes, scopes.granted(found.account.role)),
    };
  };
}

function intersect(held: ReadonlySet<string>, granted: readonly string[]): ReadonlySet<string> {
  if (held.size === granted.length && granted.every((scope) => held.has(scope))) return held;
  return new Set(granted.filter((scope) => held.has(scope)));
}

function invalidToken(): AppError {
  return new AppError('INVALID_TOKEN', 'The access token is not valid, or its session has ended.');
}

function userNotFound(): AppError {
  return new AppError('USER_NOT_FOUND', 'The account of the access token is gone.');
}
