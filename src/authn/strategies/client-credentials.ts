/**
 * The principal of a token of client credentials: a service account. The token's grant, the client and the service account are
 * read for each request, so that a revocation or a disabling takes effect with the next one.
 */
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import { createServiceGrantLoader, isServiceGrantLive } from '../../oauth/service-grants/loader.js';
import { createServiceGrantRepository } from '../../oauth/service-grants/repository.js';
import type { VerifiedAccessToken } from '../../sessions/access-token-claims.js';
import type { AccountPrincipal } from '../strategy.js';

/** @throws AppError INVALID_TOKEN if the grant has ended, or the client or service account is disabled or deleted */
export type ServicePrincipalOf = (verified: VerifiedAccessToken) => Promise<AccountPrincipal>;

export interface ServicePrincipalsOptions {
  readonly db: Database;
  readonly clock: Clock;
}

export function createServicePrincipals({ db, clock }: ServicePrincipalsOptions): ServicePrincipalOf {
  const readGrant = createServiceGrantLoader(createServiceGrantRepository(db.executor).find);
  return async ({ userId, sessionId, clientId, scopes, expiresAt }) => {
    const grant = await readGrant(sessionId);
    const isOfToken = grant?.serviceAccountId === userId && grant.clientId === clientId;
    if (!isOfToken || !isServiceGrantLive(grant, clock.now()))
      throw new AppError('INVALID_TOKEN', 'The access token is not valid, or its grant has ended.');
    return {
      subject: { kind: 'service-account', id: userId },
      credential: { kind: 'oauth', id: sessionId, expiresAt },
      // Never more than the service account has at this moment.
      scopes: new Set(grant.scopes.filter((scope) => scopes.has(scope))),
      authenticatedAt: null,
      methods: [],
    };
  };
}
