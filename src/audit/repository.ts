/** All SQL of the audit. */
import type { Executor } from '../db/database.js';
import { auditEvents } from '../db/schema/index.js';

export type AuditRow = typeof auditEvents.$inferInsert;

export function createAuditRepository(executor: Executor) {
  return {
    /** Adds one event. */
    async insert(event: AuditRow): Promise<void> {
      await executor.insert(auditEvents).values(event);
    },
  };
}
