/**
 * Remembers the outcome of the last authentication of each access token, so that a request can be counted before anything
 * is read: under the account if the token's session was live, by address if it had ended. An event of an account makes its
 * tokens unknown again. Nothing is admitted by this: each request still authenticates.
 */
import { LRUCache } from 'lru-cache';
import { AppError, STATUS_BY_CODE } from '../lib/errors.js';
import type { Events } from '../events/events.js';
import type { AccessTokens } from '../sessions/access-tokens.js';
import type { Authenticate } from './authenticate.js';
import { bearerToken } from './bearer.js';

/** `unknown`: not authenticated since the token's account changed; `none`: no token, or not one of ours. */
export type TokenState = 'live' | 'ended' | 'unknown' | 'none';

export interface TokenStates {
  /** Authenticates, and remembers the outcome. */
  readonly authenticate: Authenticate;
  /** The state of the token in an `Authorization` value, and the account that it names by its signature. */
  of(authorization: string | undefined): { readonly state: TokenState; readonly userId?: string };
  /** Makes the token in an `Authorization` value unknown: a mutation may have ended its session. */
  forget(authorization: string | undefined): void;
  close(): void;
}

export interface TokenStatesOptions {
  readonly authenticate: Authenticate;
  readonly accessTokens: Pick<AccessTokens, 'subjectOf'>;
  readonly events: Pick<Events, 'listen'>;
}

/** As many as access tokens are remembered; one that is forgotten is unknown. */
const MAX_TOKENS = 10_000;
/** 192 bits of the signature, which is checked before. */
const KEY_LENGTH = 32;

export function createTokenStates({ authenticate, accessTokens, events }: TokenStatesOptions): TokenStates {
  const known = new LRUCache<string, { readonly isLive: boolean; readonly readAt: number }>({ max: MAX_TOKENS });
  const changedAt = new LRUCache<string, number>({ max: MAX_TOKENS });
  /** Orders reads and changes. */
  let sequence = 0;
  const stopListening = events.listen(({ userId }) => {
    if (userId !== null) changedAt.set(userId, (sequence += 1));
  });

  /** Forged tokens are not remembered, so they push out no others. */
  const remember = (authorization: string | undefined, isLive: boolean, readAt: number): void => {
    const token = bearerToken(authorization);
    if (token !== undefined && accessTokens.subjectOf(token) !== undefined)
      known.set(token.slice(-KEY_LENGTH), { isLive, readAt });
  };

  return {
    async authenticate(credentials) {
      const readAt = (sequence += 1);
      try {
        const principal = await authenticate(credentials);
        remember(credentials['authorization'], true, readAt);
        return principal;
      } catch (error) {
        if (error instanceof AppError && STATUS_BY_CODE[error.code] < 500)
          remember(credentials['authorization'], false, readAt);
        throw error;
      }
    },

    of(authorization) {
      const token = bearerToken(authorization);
      const userId = token === undefined ? undefined : accessTokens.subjectOf(token);
      if (token === undefined || userId === undefined) return { state: 'none' };
      const found = known.get(token.slice(-KEY_LENGTH));
      if (!found) return { state: 'unknown', userId };
      if (!found.isLive) return { state: 'ended', userId };
      return { state: found.readAt > (changedAt.get(userId) ?? 0) ? 'live' : 'unknown', userId };
    },

    forget(authorization) {
      known.delete(bearerToken(authorization)?.slice(-KEY_LENGTH) ?? '');
    },

    close: stopListening,
  };
}
