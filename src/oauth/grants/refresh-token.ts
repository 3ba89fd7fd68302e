/** The refresh token grant (RFC 6749 section 6). */
import type { Database } from '../../db/database.js';
import { AppError, type ErrorCode } from '../../lib/errors.js';
import { createSessionRepository } from '../../sessions/repository.js';
import type { Sessions } from '../../sessions/service.js';
import { OAuthError } from '../error.js';
import type { Parameters } from '../parameters.js';
import { audienceOf } from '../resources.js';
import { invalidGrant, requestedScopes, requireGrantType, requireParameter, type Grant } from './grant.js';
import type { createResponses } from './respond.js';

export interface RefreshTokenOptions {
  readonly db: Database;
  readonly sessions: Pick<Sessions, 'refreshGrant' | 'grantIdOf'>;
  readonly loadResponses: ReturnType<typeof createResponses>;
  readonly issuer: string;
}

const INVALID: ReadonlySet<ErrorCode> = new Set(['INVALID_REFRESH_TOKEN', 'ACCOUNT_DISABLED']);

export function createRefreshTokenGrant({ db, sessions, loadResponses, issuer }: RefreshTokenOptions): Grant {
  /** Checks the requested resource before the token is spent. */
  async function checkResource(refreshToken: string, clientId: string, parameters: Parameters) {
    const id = parameters.all('resource').length > 0 ? sessions.grantIdOf(refreshToken) : undefined;
    const found = id === undefined ? undefined : await createSessionRepository(db.executor).find(id);
    if (found?.session.clientId === clientId) audienceOf(parameters, found.session.resources ?? [], issuer);
  }

  return async ({ client, parameters, from }) => {
    requireGrantType(client, 'REFRESH_TOKEN');
    const refreshToken = requireParameter(parameters, 'refresh_token');
    const scopes = requestedScopes(parameters);
    const respond = await loadResponses(client);
    await checkResource(refreshToken, client.id, parameters);
    const issued = await sessions
      .refreshGrant(refreshToken, { clientId: client.id, scopes, client: from })
      .catch((error: unknown) => {
        throw error instanceof AppError && INVALID.has(error.code) ? invalidGrant() : error;
      });
    if (!issued) throw new OAuthError('invalid_scope', 'A requested scope was not granted.');
    return respond(issued, { client, audience: audienceOf(parameters, issued.session.resources ?? [], issuer) });
  };
}
