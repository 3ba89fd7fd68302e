/**
 * The audit log: every security-relevant change to an account and every rejected attempt (OWASP ASVS 5.0, 16.3). An event is
 * written in the transaction of the change that it records.
 */
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import type { Events } from '../events/events.js';
import { isId, page, type Connection, type PageArguments } from '../lib/paging.js';
import type { ActorKind, AuditRecord, AuditType } from './event.js';
import { createIds, firstIdOf } from './ids.js';
import { createAuditRepository } from './repository.js';

export interface AuditEntry {
  readonly type: AuditType;
  /** The account that the event concerns; null if there is none. */
  readonly userId: string | null;
  /** The account or service account that acted; defaults to `userId`. */
  readonly actorId?: string | null;
  /** Default: an account, if there is an actor. */
  readonly actorKind?: ActorKind | undefined;
  readonly sessionId?: string | null;
  /** The service account that the event concerns. */
  readonly serviceAccountId?: string | null;
  /** The API key that the event concerns. */
  readonly apiKeyId?: string | null;
  readonly client: ClientInfo;
  /** Short text. Must contain neither secrets nor user input. */
  readonly detail?: string;
}

/** The actor of an event and its client. */
export interface Actor {
  readonly actorId: string;
  readonly actorKind?: ActorKind | undefined;
  readonly client: ClientInfo;
}

export interface Audit {
  /** Adds an event in the caller's transaction and publishes it after the commit. */
  record(tx: Executor, entry: AuditEntry): Promise<void>;
  /**
   * Events of one account or of all, newest first.
   * @throws AppError VALIDATION_ERROR for invalid pagination arguments
   */
  list(args: PageArguments & { readonly userId?: string | null | undefined }): Promise<Connection<AuditRecord>>;
  /** Events by their ids, in any order. */
  findMany(ids: readonly string[]): Promise<AuditRecord[]>;
  /** Up to `limit` events since `since`, oldest first, of the given accounts or of all. */
  findSince(
    since: Date,
    limit: number,
    userIds?: readonly string[],
  ): Promise<readonly Pick<AuditRecord, 'id' | 'userId'>[]>;
  /** Removes personal data from an account's events in the caller's transaction; the events stay. */
  anonymise(tx: Executor, userId: string): Promise<void>;
  /** Deletes up to `limit` events that are older than the retention; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface AuditDependencies {
  readonly db: Database;
  /** Stamps the events. */
  readonly clock: Clock;
  /** Publishes recorded events to all instances. */
  readonly events: Pick<Events, 'publish'>;
  /** Retention in milliseconds. */
  readonly retentionMs: number;
  /** Receives a copy of each committed event (AUDIT_LOG), for a log that the service cannot modify. */
  readonly log?: { info(fields: object, message: string): void } | undefined;
}

export function createAudit({ db, clock, events, retentionMs, log }: AuditDependencies): Audit {
  const repository = createAuditRepository(db.executor);
  const nextId = createIds(clock);
  return {
    async record(tx, entry) {
      const { type, userId, actorId = userId, sessionId = null, serviceAccountId = null, client, detail } = entry;
      const id = nextId();
      const event = {
        id,
        type,
        userId,
        actorId,
        actorKind: actorId === null ? null : (entry.actorKind ?? 'user'),
        sessionId,
        serviceAccountId,
        apiKeyId: entry.apiKeyId ?? null,
        ipAddress: client.ipAddress,
        userAgent: client.userAgent,
        detail: detail ?? null,
        createdAt: new Date(clock.now()),
      };
      if (log) db.afterCommit(tx, () => log.info({ audit: event }, 'Audit event'));
      const inserted = createAuditRepository(tx).insert(event);
      await Promise.all([inserted, events.publish(tx, { auditId: id, userId, sessionId, serviceAccountId })]);
    },

    list: ({ userId, ...args }) =>
      page(args, async (request) => (userId != null && !isId(userId) ? [] : repository.list(request, userId))),

    findMany: (ids) => repository.findMany(ids),
    findSince: (since, limit, userIds) => repository.findSince(firstIdOf(since), limit, userIds),

    anonymise: (tx, userId) => createAuditRepository(tx).anonymise(userId),

    clear: (tx, limit) => createAuditRepository(tx).deleteBefore(new Date(clock.now() - retentionMs), limit),
  };
}
