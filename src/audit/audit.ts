/** What is worth remembering about an account. Written in the transaction of the change that it tells of. */
import { v7 as uuidv7 } from 'uuid';
import type { ClientInfo } from '../client-info.js';
import type { Clock } from '../clock.js';
import type { Executor } from '../db/database.js';
import { createAuditRepository } from './repository.js';

export type AuditType =
  'account.registered' | 'session.opened' | 'session.ended' | 'session.reuse_detected' | 'account.updated';

export interface AuditEntry {
  readonly type: AuditType;
  readonly userId: string;
  readonly sessionId?: string;
  readonly client: ClientInfo;
  /** Plain words without secrets. */
  readonly detail?: string;
}

export interface Audit {
  /** Adds an event inside the caller's transaction. */
  record(tx: Executor, entry: AuditEntry): Promise<void>;
}

/** @param clock stamps the events */
export function createAudit({ clock }: { clock: Clock }): Audit {
  return {
    async record(tx, { type, userId, sessionId, client, detail }) {
      await createAuditRepository(tx).insert({
        id: uuidv7(),
        type,
        userId,
        sessionId: sessionId ?? null,
        ipAddress: client.ipAddress,
        userAgent: client.userAgent,
        detail: detail ?? null,
        createdAt: new Date(clock.now()),
      });
    },
  };
}
