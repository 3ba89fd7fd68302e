/** What a change of a client does to its grants. Each affected account gets an audit event, which closes its WebSockets. */
import type { Audit } from '../../audit/audit.js';
import type { ActorKind, AuditType } from '../../audit/event.js';
import type { Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { createGrantRepository } from '../../sessions/grant-repository.js';
import { createPendingRepository } from './pending-repository.js';

/** The actor of a change to a client. */
export interface ClientActor {
  /** The account of the administrator; null if the change comes from elsewhere, such as the command line. */
  readonly actorId: string | null;
  readonly actorKind?: ActorKind;
  readonly client: ClientInfo;
}

/** All methods run in the caller's transaction, which holds the lock of the client's row. */
export interface ClientGrants {
  /** Ends all grants of a client, and voids its codes and requests. @param reason for the audit log */
  end(tx: Executor, clientId: string, reason: string, by: ClientActor): Promise<void>;
  /** Ends the grants of its client credentials. */
  endServiceGrants(tx: Executor, clientId: string, reason: string, by: ClientActor): Promise<void>;
  /** Removes scopes from all grants of a client, and voids the codes and requests that ask for more. */
  narrow(tx: Executor, clientId: string, scopes: readonly string[], by: ClientActor): Promise<void>;
}

export interface ClientGrantsOptions {
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  /** Idle timeout in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

/** Whose grant it is. */
interface Grantee {
  readonly userId?: string | null;
  readonly serviceAccountId?: string | null;
}

/** Audit events that are written together. */
const BATCH = 100;

export function createClientGrants({ clock, audit, idleTtlMs }: ClientGrantsOptions): ClientGrants {
  const now = () => new Date(clock.now());

  /** Records one event for each account or service account. @param grants one for each grant */
  async function record(
    tx: Executor,
    type: AuditType,
    grants: readonly Grantee[],
    suffix: string,
    by: ClientActor,
  ): Promise<void> {
    const counts = new Map<string, { readonly grantee: Grantee; count: number }>();
    for (const { userId = null, serviceAccountId = null } of grants) {
      const key = `${userId} ${serviceAccountId}`;
      const counted = counts.get(key);
      if (counted) counted.count += 1;
      else counts.set(key, { grantee: { userId, serviceAccountId }, count: 1 });
    }
    const entries = [...counts.values()].map(({ grantee: { userId = null, serviceAccountId = null }, count }) => {
      return { type, userId, serviceAccountId, ...by, detail: `${count} of ${suffix}` };
    });
    for (let at = 0; at < entries.length; at += BATCH)
      await Promise.all(entries.slice(at, at + BATCH).map((entry) => audit.record(tx, entry)));
  }

  return {
    async end(tx, clientId, reason, by) {
      const pending = createPendingRepository(tx);
      // In the order in which one leads to the next: each statement waits for a concurrent use, and the next sees its result.
      await pending.deleteRequests(clientId);
      await pending.deleteCodes({ clientId });
      const ended = await createGrantRepository(tx, idleTtlMs).end(now(), { clientId });
      const ofServices = await pending.endServiceGrants(now(), { clientId });
      await record(tx, 'oauth_client.grants_ended', [...ended, ...ofServices], `${clientId}: ${reason}`, by);
    },

    async endServiceGrants(tx, clientId, reason, by) {
      const ended = await createPendingRepository(tx).endServiceGrants(now(), { clientId });
      await record(tx, 'oauth_client.grants_ended', ended, `${clientId}: ${reason}`, by);
    },

    async narrow(tx, clientId, scopes, by) {
      const pending = createPendingRepository(tx);
      await pending.deleteRequests(clientId);
      await pending.deleteCodes({ clientId, beyond: scopes });
      const narrowed = await createGrantRepository(tx, idleTtlMs).narrow(clientId, scopes);
      await record(tx, 'oauth_client.grants_narrowed', narrowed, clientId, by);
      const ended = await pending.endServiceGrants(now(), { clientId, beyond: scopes });
      await record(tx, 'oauth_client.grants_ended', ended, `${clientId}: scopes removed`, by);
    },
  };
}
