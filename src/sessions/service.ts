/**
 * Opens and renews sessions. A session row is a refresh-token family (RFC 9700 section 4.14.2). A refresh token contains the
 * session id and a generation, and can be rotated once.
 */
import { LRUCache } from 'lru-cache';
import { v7 as uuidv7 } from 'uuid';
import type { AccountRecord } from '../users/account.js';
import type { Audit } from '../audit/audit.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { RefreshTokens } from '../crypto/refresh-token.js';
import type { Database, Executor } from '../db/database.js';
import { AppError, validationError } from '../lib/errors.js';
import type { SecondFactorPolicy } from '../mfa/policy.js';
import { createSessionRepository, type SessionWithAccount } from './repository.js';
import { createReplays, invalidRefreshToken } from './replays.js';
import { createRotation } from './rotation.js';
import { createRefreshGrant, type GrantLifetimes, type RefreshGrant } from './grants.js';
import { issuableScopes } from './issuable-scopes.js';
import type { OnEnded } from './on-ended.js';
import type { Proof, SessionParams } from './params.js';
import type { SecondFactorGate, SignIn } from './sign-in.js';
import type { SessionRecord } from './session.js';

/** A new or renewed session, with its refresh token and scopes. */
export interface IssuedSession {
  readonly session: SessionRecord;
  readonly refreshToken: string;
  readonly account: AccountRecord;
  /** Scopes of the access token, in the order of the scope catalogue. */
  readonly scopes: readonly string[];
  /** Whether the account must enrol a second factor first; `scopes` is then empty. */
  readonly enrolling: boolean;
}

export interface Sessions {
  /**
   * Opens a session in the caller's transaction, or issues a challenge if the account has a second factor that the proof lacks.
   * The only way to create a session.
   */
  open(tx: Executor, account: AccountRecord, params: SessionParams, proof: Proof): Promise<SignIn>;
  /**
   * Ends and audits the oldest sessions of an account beyond SESSION_MAX_PER_ACCOUNT: the first-party ones, or those of one client.
   * Call it after the commit that opened a
   * session: the last of several parallel logins then sees all sessions.
   */
  enforceLimit(userId: string, client: ClientInfo, clientId?: string): Promise<void>;
  /**
   * Rotates a refresh token.
   * @param scope space-separated scopes of the access token; all scopes of the account by default
   * @throws AppError INVALID_REFRESH_TOKEN if unknown, already used, expired or revoked; ACCOUNT_DISABLED; VALIDATION_ERROR for a
   * scope that the account does not have, without using the token
   */
  refresh(refreshToken: string, client: ClientInfo, scope?: string): Promise<IssuedSession>;
  /** Rotates a refresh token of an OAuth client. @throws as `RefreshGrant` */
  refreshGrant: RefreshGrant;
  /** The grant of an OAuth client's refresh token, used or not; undefined for a forged token. */
  grantIdOf(refreshToken: string): string | undefined;
  /** As `grantIdOf`, with the generation of the token. */
  readGrantToken(refreshToken: string): { readonly sessionId: string; readonly generation: number } | undefined;
  /**
   * Renews a session in the caller's transaction. Its earlier access tokens are rejected from the next request on, and its earlier
   * refresh tokens count as reused.
   * @throws AppError INVALID_TOKEN if the session has ended meanwhile
   */
  renew(tx: Executor, account: AccountRecord, sessionId: string, client: ClientInfo): Promise<IssuedSession>;
  /** The session id of a refresh token, used or not; undefined for a forged token. */
  idOf(refreshToken: string): string | undefined;
  /**
   * The session that a request is rate-limited by: the one of the first valid token. Skips sessions whose refresh this process has
   * rejected, because an ended session must not provide an additional rate limit.
   */
  rateLimitSession(refreshTokens: readonly string[]): string | undefined;
}

/** Durations in milliseconds. */
export interface SessionLimits {
  readonly ttlMs: number;
  readonly rememberMeTtlMs: number;
  readonly graceMs: number;
  /** Idle timeout; undefined for none. */
  readonly idleTtlMs?: number | undefined;
  /** The maximum number of live sessions of an account. */
  readonly maxPerAccount: number;
  readonly grants: GrantLifetimes;
}

export interface SessionsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly refreshTokens: RefreshTokens;
  /** Those of OAuth clients. */
  readonly grantTokens: RefreshTokens;
  readonly scopes: ScopeCatalogue;
  readonly lifetimes: SessionLimits;
  readonly secondFactorGate: SecondFactorGate;
  readonly secondFactorPolicy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly onEnded: OnEnded;
}

/** About 2 MB. */
const MAX_REJECTED = 10_000;

export function createSessions(options: SessionsOptions): Sessions {
  const { db, clock, audit, refreshTokens, grantTokens, scopes, lifetimes } = options;
  const { secondFactorGate, secondFactorPolicy, onEnded } = options;
  const { idleTtlMs, maxPerAccount, grants } = lifetimes;
  const repository = createSessionRepository(db.executor, idleTtlMs);
  /** Sessions whose refresh was rejected. */
  const rejected = new LRUCache<string, true>({ max: MAX_REJECTED });
  const rotate = createRotation({ db, clock, audit, idleTtlMs });
  const resolveReplay = createReplays({ db, clock, audit, idleTtlMs, graceMs: lifetimes.graceMs, onEnded });

  /** @param narrowed the requested scopes; all scopes of the role by default */
  const issue = ({ session, account }: SessionWithAccount, narrowed?: ReadonlySet<string>): IssuedSession => {
    const enrolling = secondFactorPolicy.mustEnroll(account);
    const granted = enrolling ? [] : issuableScopes(session, scopes.granted(account.role));
    const tokens = session.clientId === null ? refreshTokens : grantTokens;
    return {
      session,
      refreshToken: tokens.issue(session.id, session.generation),
      account,
      scopes: narrowed ? granted.filter((scope) => narrowed.has(scope)) : granted,
      enrolling,
    };
  };

  /** Checks that the account has every requested scope (RFC 6749 section 6). */
  async function requestedScopes(scope: string, sessionId: string): Promise<ReadonlySet<string>> {
    const requested = new Set(scope.split(' '));
    const account = (await repository.find(sessionId))?.account;
    const granted = new Set(account ? scopes.granted(account.role) : []);
    if (account && ![...requested].every((each) => granted.has(each))) {
      throw validationError([{ field: 'scope', message: 'must be space-separated scopes that the account has' }]);
    }
    return requested;
  }

  return {
    async open(tx, account, params, proof) {
      const challenge = await secondFactorGate(tx, account, params, proof);
      if (challenge) return { account, challenge };
      const { id: userId } = account;
      const { client, rememberMe, grant } = params;
      const now = clock.now();
      const at = new Date(now);
      const ttlMs = rememberMe ? lifetimes.rememberMeTtlMs : lifetimes.ttlMs;
      const session: SessionRecord = {
        id: grant?.id ?? uuidv7(),
        userId,
        clientId: grant?.clientId ?? null,
        scopes: grant ? [...grant.scopes] : null,
        resources: grant ? [...grant.resources] : null,
        browserSessionId: grant?.browserSessionId ?? null,
        generation: 0,
        rotatedAt: at,
        rememberMe,
        createdAt: at,
        authenticatedAt: grant?.authenticatedAt ?? at,
        amr: [...proof.methods],
        accessEpoch: 0,
        lastUsedAt: at,
        expiresAt: new Date(now + (grant ? Math.min(grants.ttlMs, grants.maxTtlMs) : ttlMs)),
        endedAt: null,
        ipAddress: client.ipAddress,
        userAgent: client.userAgent,
      };
      const entry = {
        type: 'session.opened',
        userId,
        sessionId: session.id,
        client,
        detail: `by ${proof.by}`,
      } as const;
      await Promise.all([createSessionRepository(tx).insert(session), audit.record(tx, entry)]);
      return issue({ session, account });
    },

    async enforceLimit(userId, client, clientId) {
      const now = new Date(clock.now());
      if (!(await repository.exceeds(userId, maxPerAccount, now, clientId))) return;
      await db.transaction(async (tx) => {
        const ended = await createSessionRepository(tx, idleTtlMs).endBeyond(userId, maxPerAccount, now, clientId);
        if (ended.length > 0) await onEnded(tx, userId, now);
        const detail = `over ${maxPerAccount} sessions`;
        for (const sessionId of ended)
          await audit.record(tx, { type: 'session.revoked', userId, sessionId, client, detail });
      });
    },

    async refresh(refreshToken, client, scope) {
      const opened = refreshTokens.verify(refreshToken);
      if (!opened) throw invalidRefreshToken();
      const { sessionId, generation } = opened;
      const narrowed = scope === undefined ? undefined : await requestedScopes(scope, sessionId);
      const rotated = await rotate({ id: sessionId, generation, client });
      if (rotated) return issue(rotated, narrowed);
      try {
        return issue(await resolveReplay(sessionId, generation, client), narrowed);
      } catch (error) {
        if (error instanceof AppError && error.code === 'INVALID_REFRESH_TOKEN') rejected.set(sessionId, true);
        throw error;
      }
    },

    refreshGrant: createRefreshGrant({
      ...options,
      idleTtlMs,
      graceMs: lifetimes.graceMs,
      lifetimes: grants,
      issue,
    }),
    grantIdOf: (refreshToken) => grantTokens.verify(refreshToken)?.sessionId,
    readGrantToken: (refreshToken) => grantTokens.verify(refreshToken),

    async renew(tx, account, sessionId, client) {
      const session = await createSessionRepository(tx, idleTtlMs).supersedeTokens(
        sessionId,
        client,
        new Date(clock.now()),
      );
      if (!session) throw new AppError('INVALID_TOKEN', 'The session has ended.');
      return issue({ session, account });
    },

    rateLimitSession(tokens) {
      const ids = tokens.map((token) => refreshTokens.verify(token)?.sessionId);
      return ids.find((id) => id !== undefined && !rejected.has(id));
    },

    idOf: (refreshToken) => refreshTokens.verify(refreshToken)?.sessionId,
  };
}
