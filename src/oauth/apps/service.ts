/** The applications that a person has authorized, and their revocation by the person. */
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import type { Revoker } from '../../sessions/revocation.js';
import { createGrantRepository } from '../../sessions/grant-repository.js';
import { isClientId } from '../clients/id.js';
import { createPendingRepository } from '../clients/pending-repository.js';
import { createLogoutRepository } from '../logout/repository.js';
import { createAppRepository, type AppRow } from './repository.js';

export interface AuthorizedApps {
  /** The clients with a consent or a live grant of the account, by name. */
  list(userId: string): Promise<AppRow[]>;
  /**
   * Ends the grants of a client, and deletes the consent and what is not used yet.
   * @throws AppError NOT_FOUND if the person has not authorized it
   */
  revoke(clientId: string, revoker: Revoker): Promise<void>;
}

export interface AuthorizedAppsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

export function createAuthorizedApps({ db, clock, audit, idleTtlMs }: AuthorizedAppsOptions): AuthorizedApps {
  const repository = createAppRepository(db.executor, idleTtlMs);
  return {
    async list(userId) {
      const apps = new Map((await repository.consents(userId)).map((app) => [app.clientId, app]));
      for (const grant of await repository.grants(userId, new Date(clock.now()))) {
        const consent = apps.get(grant.clientId);
        const scopes = [...new Set([...(consent?.scopes ?? []), ...grant.scopes])];
        const authorizedAt = consent?.authorizedAt ?? grant.authorizedAt;
        apps.set(grant.clientId, { ...grant, scopes, authorizedAt });
      }
      return [...apps.values()].sort((a, b) => a.name.localeCompare(b.name) || (a.clientId < b.clientId ? -1 : 1));
    },

    async revoke(clientId, { userId, client }) {
      const found =
        isClientId(clientId) &&
        (await db.transaction(async (tx) => {
          // First the consent, then the codes, then the grants: each may lead to the next.
          const hadConsent = await createAppRepository(tx).deleteConsent(userId, clientId);
          const codes = await createPendingRepository(tx).deleteCodes({ clientId, userId });
          const now = new Date(clock.now());
          const ended = await createGrantRepository(tx, idleTtlMs).end(now, { clientId, userId });
          if (!hadConsent && codes + ended.length === 0) return false;
          await createLogoutRepository(tx).insertOfRevoked(clientId, userId, now);
          await audit.record(tx, {
            type: 'app.revoked',
            userId,
            client,
            detail: `${clientId}: ${ended.length} grants`,
          });
          return true;
        }));
      if (!found) throw new AppError('NOT_FOUND', 'The account has not authorized the application.');
    },
  };
}
