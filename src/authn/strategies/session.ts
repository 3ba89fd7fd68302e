/**
 * A person's own session, presented as an access token (RFC 6750). Session and account are read from the database for each
 * request, so that a revocation, a disabling or a demotion takes effect with the next one.
 */
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { Clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import { tokenExpired, type AccessTokens } from '../../sessions/access-tokens.js';
import type { LoadSession } from '../../sessions/session-loader.js';
import { accountDisabled } from '../../sessions/replays.js';
import { isLive, endedBefore, type SessionRecord } from '../../sessions/session.js';
import { bearerToken } from '../bearer.js';
import type { Strategy } from '../strategy.js';
import type { ServicePrincipalOf } from './client-credentials.js';
import { delegatedPrincipal } from './oauth.js';

export interface SessionStrategyOptions {
  readonly accessTokens: Pick<AccessTokens, 'known' | 'subjectOf' | 'verify'>;
  readonly readSession: LoadSession;
  readonly servicePrincipalOf: ServicePrincipalOf;
  readonly accountExists: (userId: string) => Promise<boolean>;
  /** Called with each session that is used. */
  readonly noteUse: (session: Pick<SessionRecord, 'id' | 'lastUsedAt'>) => void;
  readonly scopes: ScopeCatalogue;
  readonly secondFactorPolicy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly clock: Clock;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** Refuses with TOKEN_EXPIRED, INVALID_TOKEN, USER_NOT_FOUND or ACCOUNT_DISABLED. */
export function createSessionStrategy(options: SessionStrategyOptions): Strategy {
  const {
    accessTokens,
    readSession,
    servicePrincipalOf,
    accountExists,
    noteUse,
    scopes,
    secondFactorPolicy,
    clock,
    idleTtlMs,
  } = options;
  return {
    kind: 'session',
    headers: ['authorization'],
    find: ({ authorization }) => bearerToken(authorization),
    subjectOf: (token) => accessTokens.subjectOf(token),

    async authenticate(token) {
      const verified = accessTokens.known(token) ?? (await accessTokens.verify(token));
      if (verified.isService) return servicePrincipalOf(verified);
      const found = await readSession(verified.sessionId);
      if (!found || found.account.id !== verified.userId) {
        throw (await accountExists(verified.userId)) ? invalidToken() : userNotFound();
      }
      const { session, account } = found;
      if (account.deletedAt) throw userNotFound();
      // Checked before the session, which ended when the account was disabled.
      if (account.disabledAt && !endedBefore(session, account.disabledAt)) throw accountDisabled();
      if (!isLive(session, clock.now(), idleTtlMs)) throw invalidToken();
      // Issued before the password changed: the session lives on, and its client renews the token by a refresh.
      if (verified.epoch !== session.accessEpoch) throw tokenExpired();
      noteUse(session);
      const mustEnroll = secondFactorPolicy.mustEnroll(account);
      const granted = mustEnroll ? [] : scopes.granted(account.role);
      if (verified.clientId !== null) return { ...delegatedPrincipal(verified, account, granted), mustEnroll };
      return {
        subject: { kind: 'user', user: account },
        credential: { kind: 'session', id: session.id, expiresAt: verified.expiresAt },
        // The role's scopes of this moment, so that a demotion takes effect with the next request.
        // A token of before the enrolment has no scopes of its own.
        scopes: verified.enrolling ? new Set(granted) : intersect(verified.scopes, granted),
        mustEnroll,
        authenticatedAt: session.authenticatedAt.getTime(),
        methods: session.amr,
      };
    },
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
  return new AppError('USER_NOT_FOUND', 'The account of the access token does not exist.');
}
