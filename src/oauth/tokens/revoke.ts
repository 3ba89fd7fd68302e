/** Revocation of tokens by their client (RFC 7009): ends the whole grant, with its access and refresh tokens. */
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import type { AccessTokens } from '../../sessions/access-tokens.js';
import { createGrantRepository } from '../../sessions/repository.js';
import type { Sessions } from '../../sessions/service.js';
import { createServiceGrantRepository } from '../service-grants/repository.js';

/** Ends the grant of the client's token. Does nothing for a token that is unknown, of another client, or already invalid. */
export type RevokeToken = (token: string, clientId: string, from: ClientInfo) => Promise<void>;

export interface RevokeOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly accessTokens: Pick<AccessTokens, 'inspect'>;
  readonly sessions: Pick<Sessions, 'readGrantToken'>;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export function createRevokeToken({ db, clock, audit, accessTokens, sessions, idleTtlMs }: RevokeOptions): RevokeToken {
  const now = () => new Date(clock.now());
  const detailOf = (clientId: string) => `by client ${clientId}`;

  // The conditions on the client are in the statements: the grant of another client does not end.
  const endGrant = (id: string, clientId: string, client: ClientInfo) =>
    db.transaction(async (tx) => {
      const ended = await createGrantRepository(tx, idleTtlMs).end(now(), { clientId, id });
      for (const { userId } of ended)
        await audit.record(tx, {
          type: 'grant.revoked',
          userId,
          actorId: null,
          sessionId: id,
          client,
          detail: detailOf(clientId),
        });
    });

  const endServiceGrant = (id: string, clientId: string, client: ClientInfo) =>
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
        detail: detailOf(clientId),
      });
    });

  return async (token, clientId, from) => {
    const refresh = sessions.readGrantToken(token);
    if (refresh) return endGrant(refresh.sessionId, clientId, from);
    const access = await accessTokens.inspect(token);
    if (!access) return;
    await (access.isService ? endServiceGrant : endGrant)(access.sessionId, clientId, from);
  };
}
