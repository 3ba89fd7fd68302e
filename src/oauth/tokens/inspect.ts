/** What a token of this server is worth at this moment, for introspection (RFC 7662) and revocation (RFC 7009). */
import { subjectId, type Principal } from '../../authz/principal.js';
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import type { Database } from '../../db/database.js';
import { clientAddress } from '../../lib/client-address.js';
import type { Clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import { FIRST_PARTY_CLIENT, type InspectedAccessToken } from '../../sessions/access-token-claims.js';
import type { AccessTokens } from '../../sessions/access-tokens.js';
import { createSessionRepository } from '../../sessions/repository.js';
import type { Sessions } from '../../sessions/service.js';
import { isLive } from '../../sessions/session.js';
import type { AccountRecord } from '../../users/account.js';
import { isServiceGrantLive } from '../service-grants/loader.js';
import { createServiceGrantRepository } from '../service-grants/repository.js';

/** A token that a request would be accepted with. */
export interface ActiveToken {
  /** The client that it was issued to; null for a first-party session. */
  readonly clientId: string | null;
  /** The members of the introspection response. */
  readonly response: Readonly<Record<string, unknown>>;
}

/**
 * Undefined for a token that is unknown, expired, used or revoked.
 * @param ipAddress of the client that presented the token, if the resource server passes it on (RFC 7662 section 2.1). An API key
 * that is restricted to networks is active only in them.
 */
export type InspectToken = (token: string, ipAddress?: string) => Promise<ActiveToken | undefined>;

/** What introspection needs of API keys. */
export interface KeyInspection {
  isApiKey(token: string): boolean;
  /** @throws AppError if a request with the key would be refused */
  authenticate(key: string, ipAddress: string): Promise<Principal<AccountRecord>>;
}

export interface InspectOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly accessTokens: Pick<AccessTokens, 'inspect'>;
  readonly sessions: Pick<Sessions, 'readGrantToken'>;
  readonly keyInspection: KeyInspection;
  readonly scopes: ScopeCatalogue;
  readonly policy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly issuer: string;
  /** REFRESH_GRACE, in milliseconds. */
  readonly graceMs: number;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export function createInspectToken(options: InspectOptions): InspectToken {
  const { db, clock, accessTokens, sessions, keyInspection, scopes, policy, issuer, graceMs, idleTtlMs } = options;

  /** A live session of a usable account, with the scopes of the account's role. */
  async function findLive(sessionId: string) {
    const found = await createSessionRepository(db.executor).find(sessionId);
    if (!found || !isLive(found.session, clock.now(), idleTtlMs)) return undefined;
    const { account } = found;
    if (account.disabledAt || account.deletedAt || policy.mustEnroll(account)) return undefined;
    return { ...found, ofRole: scopes.granted(account.role) };
  }

  const accessResponse = (token: InspectedAccessToken, held: readonly string[], username: string) => ({
    active: true,
    scope: held.join(' '),
    client_id: token.clientId ?? FIRST_PARTY_CLIENT,
    username,
    token_type: 'Bearer',
    exp: token.expiresAt / 1000,
    iat: token.issuedAt,
    sub: token.userId,
    aud: token.audience.length === 1 ? token.audience[0] : token.audience,
    iss: issuer,
    jti: token.jti,
    sid: token.sessionId,
  });

  async function inspectService(token: InspectedAccessToken): Promise<ActiveToken | undefined> {
    const [grant] = await createServiceGrantRepository(db.executor).find([token.sessionId]);
    if (grant?.serviceAccountId !== token.userId || grant.clientId !== token.clientId) return undefined;
    if (!isServiceGrantLive(grant, clock.now())) return undefined;
    const held = grant.scopes.filter((scope) => token.scopes.has(scope));
    const response = accessResponse(token, held, grant.name);
    return { clientId: token.clientId, response };
  }

  async function inspectAccessToken(token: InspectedAccessToken): Promise<ActiveToken | undefined> {
    if (token.isService) return inspectService(token);
    const found = await findLive(token.sessionId);
    if (found?.account.id !== token.userId || found.session.clientId !== token.clientId) return undefined;
    if (found.session.accessEpoch !== token.epoch) return undefined;
    const held = [...token.scopes].filter((scope) => IDENTITY_SCOPES.has(scope) || found.ofRole.includes(scope));
    const response = accessResponse(token, held, found.account.username);
    return { clientId: token.clientId, response };
  }

  async function inspectRefreshToken(sessionId: string, generation: number): Promise<ActiveToken | undefined> {
    const found = await findLive(sessionId);
    if (!found || found.session.clientId === null) return undefined;
    const { session, account, ofRole } = found;
    const isRetry = generation === session.generation - 1 && clock.now() - session.rotatedAt.getTime() < graceMs;
    if (generation !== session.generation && !isRetry) return undefined;
    const granted = session.scopes ?? [];
    const response = {
      active: true,
      scope: granted.filter((scope) => IDENTITY_SCOPES.has(scope) || ofRole.includes(scope)).join(' '),
      client_id: session.clientId,
      username: account.username,
      token_type: 'refresh_token',
      exp: Math.floor(session.expiresAt.getTime() / 1000),
      iat: Math.floor(session.rotatedAt.getTime() / 1000),
      sub: account.id,
      aud: issuer,
      iss: issuer,
      sid: session.id,
    };
    return { clientId: session.clientId, response };
  }

  async function inspectApiKey(key: string, ipAddress: string): Promise<ActiveToken | undefined> {
    let principal: Principal<AccountRecord>;
    try {
      principal = await keyInspection.authenticate(key, ipAddress);
    } catch (error) {
      if (error instanceof AppError && error.status < 500) return undefined;
      throw error;
    }
    if (principal.mustEnroll) return undefined;
    const { subject, credential } = principal;
    const response = {
      active: true,
      scope: [...principal.scopes].join(' '),
      ...(subject.kind === 'user' ? { username: subject.user.username } : {}),
      token_type: 'api_key',
      ...(Number.isFinite(credential.expiresAt) ? { exp: Math.floor(credential.expiresAt / 1000) } : {}),
      sub: subjectId(principal),
      aud: issuer,
      iss: issuer,
    };
    return { clientId: null, response };
  }

  return async (token, ipAddress = '') => {
    if (keyInspection.isApiKey(token)) return inspectApiKey(token, clientAddress(ipAddress));
    const refresh = sessions.readGrantToken(token);
    if (refresh) return inspectRefreshToken(refresh.sessionId, refresh.generation);
    const access = await accessTokens.inspect(token);
    return access && inspectAccessToken(access);
  };
}
