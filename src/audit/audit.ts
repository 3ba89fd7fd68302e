/**
 * What is worth remembering about an account: every change that touches security, and every refusal (OWASP ASVS 5.0,
 * 16.3). Written in the transaction of the change that it tells of.
 */
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import type { Database, Executor } from '../db/database.js';
import type { Events } from '../events/events.js';
import { isId, page, type Connection, type PageArguments } from '../lib/paging.js';
import type { AuditRecord, AuditType } from './event.js';
import { createIds, firstIdOf } from './ids.js';
import { createAuditRepository } from './repository.js';

export interface AuditEntry {
  readonly type: AuditType;
  /** Whose account it is about; null where there is none. */
  readonly userId: string | null;
  /** Whose doing it was; the account's own where it is left out. */
  readonly actorId?: string | null;
  readonly sessionId?: string | null;
  readonly client: ClientInfo;
  /** Plain words without secrets, and without what somebody typed. */
  readonly detail?: string;
}

export interface Audit {
  /** Adds an event inside the caller's transaction; instances are told of it once that commits. */
  record(tx: Executor, entry: AuditEntry): Promise<void>;
  /**
   * Events, the newest first; of one account, or all.
   * @throws AppError VALIDATION_ERROR for a bad page
   */
  list(args: PageArguments & { readonly userId?: string | null | undefined }): Promise<Connection<AuditRecord>>;
  /** Events by their ids, in any order. */
  findMany(ids: readonly string[]): Promise<AuditRecord[]>;
  /** The oldest events since a moment, up to `limit`; of some accounts, or all. */
  findSince(
    since: Date,
    limit: number,
    userIds?: readonly string[],
  ): Promise<readonly Pick<AuditRecord, 'id' | 'userId'>[]>;
  /** Takes out of an account's events, inside the caller's transaction, what is personal; what happened stays. */
  anonymise(tx: Executor, userId: string): Promise<void>;
  /** Removes up to `limit` events that are over the retention; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface AuditDependencies {
  readonly db: Database;
  /** Stamps the events. */
  readonly clock: Clock;
  /** Tells instances of what is recorded. */
  readonly events: Pick<Events, 'publish'>;
  /** How long what is recorded is kept, in milliseconds. */
  readonly retentionMs: number;
  /** Gets a copy of each event once it has committed (AUDIT_LOG), for a log that the service cannot change afterwards. */
  readonly log?: { info(fields: object, message: string): void } | undefined;
}

export function createAudit({ db, clock, events, retentionMs, log }: AuditDependencies): Audit {
  const repository = createAuditRepository(db.executor);
  const nextId = createIds(clock);
  return {
    async record(tx, { type, userId, actorId = userId, sessionId = null, client, detail }) {
      const id = nextId();
      const event = {
        id,
        type,
        userId,
        actorId,
        sessionId,
        ipAddress: client.ipAddress,
        userAgent: client.userAgent,
        detail: detail ?? null,
        createdAt: new Date(clock.now()),
      };
      if (log) db.afterCommit(tx, () => log.info({ audit: event }, 'Audit event'));
      const inserted = createAuditRepository(tx).insert(event);
      await Promise.all([inserted, events.publish(tx, { auditId: id, userId, sessionId })]);
    },

    list: ({ userId, ...args }) =>
      page(args, async (request) => (userId != null && !isId(userId) ? [] : repository.list(request, userId))),

    findMany: (ids) => repository.findMany(ids),
    findSince: (since, limit, userIds) => repository.findSince(firstIdOf(since), limit, userIds),

    anonymise: (tx, userId) => createAuditRepository(tx).anonymise(userId),

    clear: (tx, limit) => createAuditRepository(tx).deleteBefore(new Date(clock.now() - retentionMs), limit),
  };
}
