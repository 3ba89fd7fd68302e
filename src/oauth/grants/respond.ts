/** The token response for the grant of a person (RFC 6749 section 5.1). */
import type { AccessTokens } from '../../sessions/access-tokens.js';
import type { IssuedSession } from '../../sessions/service.js';
import type { OAuthClient } from '../clients/client.js';
import type { TokenResponse } from './grant.js';
import { createIdTokens, type IdTokensOptions } from './id-token.js';

export interface Responding {
  readonly client: OAuthClient;
  /** The resource servers of the access token; empty for this deployment. */
  readonly audience: readonly string[];
  readonly nonce?: string | null;
}

/** Signs the tokens. It reads nothing, so it cannot fail after something was spent. */
export type Respond = (issued: IssuedSession, responding: Responding) => TokenResponse;

export interface ResponsesOptions extends Omit<IdTokensOptions, 'ttlMs'> {
  readonly accessTokens: Pick<AccessTokens, 'sign'>;
  /** OAUTH_ACCESS_TOKEN_TTL, in milliseconds. */
  readonly accessTtlMs: number;
}

/** @returns loads the key of ID tokens if the client may ask for one. Call it before anything is spent. */
export function createResponses(options: ResponsesOptions): (client: OAuthClient) => Promise<Respond> {
  const { accessTokens, accessTtlMs } = options;
  const loadKey = createIdTokens({ ...options, ttlMs: accessTtlMs });

  return async ({ scopes: ofClient }) => {
    const signIdToken = ofClient.includes('openid') ? await loadKey() : undefined;
    return (issued, { client, audience, nonce }) => {
      const { session, account, scopes, enrolling, refreshToken } = issued;
      const subject = { userId: account.id, session, scopes, enrolling, audience, ttlMs: accessTtlMs };
      const { token, expiresIn } = accessTokens.sign(subject);
      const idToken = scopes.includes('openid') ? signIdToken?.(issued, token, nonce) : undefined;
      return {
        access_token: token,
        ...(client.grantTypes.includes('REFRESH_TOKEN') ? { refresh_token: refreshToken } : {}),
        token_type: 'Bearer',
        expires_in: expiresIn,
        scope: scopes.join(' '),
        ...(idToken === undefined ? {} : { id_token: idToken }),
      };
    };
  };
}
