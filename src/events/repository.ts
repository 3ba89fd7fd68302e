/** SQL of the events. */
import { sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { statement } from '../db/statement.js';

const notify = statement(undefined, (executor) =>
  executor
    .select({ told: sql`pg_notify(${sql.placeholder('channel')}::text, ${sql.placeholder('payload')}::text)` })
    .from(sql`(select 1) as one`),
);

/** @param executor a transaction; its notifications are sent at the commit */
export function createEventsRepository(executor: Executor) {
  return {
    async notify(channel: string, payload: string): Promise<void> {
      await notify(executor, { channel, payload });
    },
  };
}
