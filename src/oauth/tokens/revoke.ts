/**
 * Revocation (RFC 7009) of tokens by their client, or by one that may introspect: ends the whole grant, with its access and refresh
 * tokens. API keys belong to no client, so one that may introspect revokes them.
 */
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import type { AccessTokens } from '../../sessions/access-tokens.js';
import { createGrantRepository } from '../../sessions/grant-repository.js';
import { createSessionRepository } from '../../sessions/repository.js';
import type { Sessions } from '../../sessions/service.js';
import type { OAuthClient } from '../clients/client.js';
import { createServiceGrantRepository } from '../service-grants/repository.js';
import type { KeyInspection } from './inspect.js';

/** Ends the grant of the token. Does nothing for a token that is unknown, already invalid, or not the client's to revoke. */
export type RevokeToken = (
  token: string,
  client: Pick<OAuthClient, 'id' | 'mayIntrospect'>,
  from: ClientInfo,
) => Promise<void>;

export interface RevokeOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly accessTokens: Pick<AccessTokens, 'inspect'>;
  readonly sessions: Pick<Sessions, 'readGrantToken'>;
  readonly keyInspection: Pick<KeyInspection, 'isApiKey'>;
  readonly revokeApiKey: (key: string, from: ClientInfo, detail: string) => Promise<void>;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export function createRevokeToken(options: RevokeOptions): RevokeToken {
  const { db, clock, audit, accessTokens, sessions, keyInspection, revokeApiKey, idleTtlMs } = options;
  const now = () => new Date(clock.now());
  const detailOf = (clientId: string) => `by client ${clientId}`;

  // The conditions on the client are in the statements: the grant of another client does not end.
  const endGrant = (id: string, clientId: string, client: ClientInfo, by: string) =>
    db.transaction(async (tx) => {
      const ended = await createGrantRepository(tx, idleTtlMs).end(now(), { clientId, id });
      for (const { userId } of ended)
        await audit.record(tx, {
          type: 'grant.revoked',
          userId,
          actorId: null,
          sessionId: id,
          client,
          detail: detailOf(by),
        });
    });

  const endServiceGrant = (id: string, clientId: string, client: ClientInfo, by: string) =>
    db.transaction(async (tx) => {
      const serviceAccountId = await createServiceGrantRepository(tx).end(id, clientId, now());
      if (serviceAccountId === undefined) return;
      await audit.record(tx, {
        type: 'grant.revoked',
        userId: null,
        actorId: serviceAccountId,
        actorKind: 'service-account',
        serviceAccountId,
        client,
        detail: detailOf(by),
      });
    });

  /** The client whose grants may end. @param ofToken the client of the token; undefined or null for none */
  const revocable = ({ id, mayIntrospect }: Pick<OAuthClient, 'id' | 'mayIntrospect'>, ofToken?: string | null) =>
    mayIntrospect ? (ofToken ?? id) : id;

  return async (token, client, from) => {
    if (keyInspection.isApiKey(token)) {
      if (client.mayIntrospect) await revokeApiKey(token, from, detailOf(client.id));
      return;
    }
    const refresh = sessions.readGrantToken(token);
    if (refresh) {
      const found = client.mayIntrospect
        ? await createSessionRepository(db.executor).find(refresh.sessionId)
        : undefined;
      return endGrant(refresh.sessionId, revocable(client, found?.session.clientId), from, client.id);
    }
    const access = await accessTokens.inspect(token);
    if (!access) return;
    const end = access.isService ? endServiceGrant : endGrant;
    await end(access.sessionId, revocable(client, access.clientId), from, client.id);
  };
}
