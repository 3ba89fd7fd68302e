/**
 * Refresh of the grants of OAuth clients (RFC 6749 section 6). A grant is a session with a client, so rotation, replays and reuse
 * are those of a login. The differences: the token must be the client's, the expiry moves with each refresh, and the client may
 * narrow the scopes of the new access token.
 */
import type { Audit } from '../audit/audit.js';
import type { RefreshTokens } from '../crypto/refresh-token.js';
import type { Database } from '../db/database.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { OnEnded } from './on-ended.js';
import { createReplays, invalidRefreshToken } from './replays.js';
import { createSessionRepository, type SessionWithAccount } from './repository.js';
import { createRotationRepository } from './rotation-repository.js';
import type { IssuedSession } from './service.js';

/** In milliseconds. */
export interface GrantLifetimes {
  /** OAUTH_REFRESH_TOKEN_TTL: from each refresh. */
  readonly ttlMs: number;
  /** OAUTH_GRANT_MAX_TTL: from the authorization. */
  readonly maxTtlMs: number;
}

export interface GrantRefresh {
  /** The authenticated client. */
  readonly clientId: string;
  /** Scopes for the new access token; all granted ones if left out. */
  readonly scopes?: readonly string[] | undefined;
  readonly client: ClientInfo;
}

/**
 * Rotates a refresh token of an OAuth client. Undefined if a requested scope was not granted: nothing is spent.
 * @throws AppError INVALID_REFRESH_TOKEN if unknown, of another client, already used, expired or revoked; ACCOUNT_DISABLED;
 * SERVICE_UNAVAILABLE
 */
export type RefreshGrant = (refreshToken: string, refresh: GrantRefresh) => Promise<IssuedSession | undefined>;

export interface RefreshGrantOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly grantTokens: RefreshTokens;
  readonly lifetimes: GrantLifetimes;
  /** REFRESH_GRACE, in milliseconds. */
  readonly graceMs: number;
  readonly onEnded: OnEnded;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs: number | undefined;
  readonly issue: (found: SessionWithAccount, narrowed?: ReadonlySet<string>) => IssuedSession;
}

export function createRefreshGrant(options: RefreshGrantOptions): RefreshGrant {
  const { db, clock, audit, grantTokens, lifetimes, idleTtlMs, issue } = options;
  const repository = createSessionRepository(db.executor, idleTtlMs);
  const resolveReplay = createReplays(options);

  return async (refreshToken, { clientId, scopes, client }) => {
    const opened = grantTokens.verify(refreshToken);
    if (!opened) throw invalidRefreshToken();
    const { sessionId: id, generation } = opened;
    const found = await repository.find(id);
    // Nothing ends: a client that presents the token of another one must not be able to end its grant.
    if (found?.session.clientId !== clientId) throw invalidRefreshToken();
    if (scopes && !scopes.every((scope) => found.session.scopes?.includes(scope))) return undefined;

    const narrowed = scopes && new Set(scopes);
    const rotated = await db.transaction(async (tx) => {
      const now = clock.now();
      const grant = { clientId, expiresAt: new Date(now + lifetimes.ttlMs), maxTtlMs: lifetimes.maxTtlMs };
      const row = await createRotationRepository(tx, idleTtlMs).rotateGrant(
        { id, generation, client },
        grant,
        new Date(now),
      );
      if (!row || row.previousAddress === client.ipAddress) return row;
      const { session, previousAddress } = row;
      await audit.record(tx, {
        type: 'session.refreshed',
        userId: session.userId,
        sessionId: session.id,
        client,
        ...(previousAddress === null ? {} : { detail: `from ${previousAddress}` }),
      });
      return row;
    });
    return issue(rotated ?? (await resolveReplay(id, generation, client)), narrowed);
  };
}
