/** The client credentials grant (RFC 6749 section 4.4): the client acts as its service account. */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../../audit/audit.js';
import { IDENTITY_SCOPES } from '../../authz/scopes.js';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import type { AccessTokens } from '../../sessions/access-tokens.js';
import { InvalidClient } from '../clients/authenticate.js';
import { createClientRepository } from '../clients/repository.js';
import { OAuthError } from '../error.js';
import { createServiceGrantRepository } from '../service-grants/repository.js';
import { audienceOf } from '../resources.js';
import { requestedScopes, requireGrantType, type Grant } from './grant.js';

export interface ClientCredentialsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly accessTokens: Pick<AccessTokens, 'sign'>;
  readonly issuer: string;
  /** OAUTH_ACCESS_TOKEN_TTL, in milliseconds. */
  readonly accessTtlMs: number;
}

export function createClientCredentialsGrant(options: ClientCredentialsOptions): Grant {
  const { db, clock, audit, accessTokens, issuer, accessTtlMs } = options;

  return async ({ client, parameters, from }) => {
    requireGrantType(client, 'CLIENT_CREDENTIALS');
    if (client.type !== 'CONFIDENTIAL')
      throw new OAuthError('unauthorized_client', 'A public client has no client credentials.');
    const requested = requestedScopes(parameters);
    const audience = audienceOf(parameters, [], issuer);
    const now = clock.now();

    const grant = await db.transaction(async (tx) => {
      const repository = createServiceGrantRepository(tx);
      // Read again under a lock: the client may have been disabled or narrowed since it authenticated.
      const current = await createClientRepository(tx).lockEnabled(client.id);
      if (!current) throw new InvalidClient(client.id);
      requireGrantType(current, 'CLIENT_CREDENTIALS');
      const { serviceAccountId } = current;
      const account = serviceAccountId === null ? undefined : await repository.lockServiceAccount(serviceAccountId);
      if (!account) throw new OAuthError('unauthorized_client', 'The client has no enabled service account.');
      // The scopes of OpenID Connect concern a person.
      const allowed = current.scopes.filter((each) => account.scopes.includes(each) && !IDENTITY_SCOPES.has(each));
      if (requested && !requested.every((each) => allowed.includes(each)))
        throw new OAuthError('invalid_scope', 'The client or its service account lacks a requested scope.');
      const row = {
        id: uuidv7(),
        clientId: client.id,
        serviceAccountId: account.id,
        scopes: [...(requested ?? allowed)],
        createdAt: new Date(now),
        expiresAt: new Date(now + accessTtlMs),
        endedAt: null,
      };
      await repository.insert(row);
      await audit.record(tx, {
        type: 'grant.created',
        userId: null,
        actorId: account.id,
        actorKind: 'service-account',
        serviceAccountId: account.id,
        client: from,
        detail: `to client ${client.id}`,
      });
      return row;
    });

    const { id, clientId, createdAt: authenticatedAt, expiresAt, scopes, serviceAccountId } = grant;
    const { token, expiresIn } = accessTokens.sign({
      userId: serviceAccountId,
      session: { id, clientId, expiresAt, authenticatedAt, amr: [], accessEpoch: 0 },
      scopes,
      audience,
      ttlMs: accessTtlMs,
      isService: true,
    });
    return { access_token: token, token_type: 'Bearer', expires_in: expiresIn, scope: scopes.join(' ') };
  };
}
