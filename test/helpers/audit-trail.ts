/** The audit events of an account, newest first. */
import { desc, eq, isNull } from 'drizzle-orm';
import type { AuditRecord } from '../../src/audit/event.js';
import type { Database } from '../../src/db/database.js';
import { auditEvents } from '../../src/db/schema/index.js';

/** @param userId null: events about no account */
export async function auditOf(db: Database, userId: string | null): Promise<AuditRecord[]> {
  return db.executor
    .select()
    .from(auditEvents)
    .where(userId === null ? isNull(auditEvents.userId) : eq(auditEvents.userId, userId))
    .orderBy(desc(auditEvents.createdAt), desc(auditEvents.id));
}
