/** Records SQL statements. */
import type { Database } from '../../src/db/database.js';

export interface SentStatement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** The statements that `work` sends outside transactions. */
export async function sentBy({ executor }: Database, work: () => Promise<unknown>): Promise<SentStatement[]> {
  const sent: SentStatement[] = [];
  const session = executor._.session as unknown as { logger: { logQuery(text: string, values: unknown[]): void } };
  const { logger } = session;
  session.logger = { logQuery: (text, values) => void sent.push({ text, values }) };
  try {
    await work();
  } finally {
    session.logger = logger;
  }
  return sent;
}

/** The statements on sessions. Jobs, such as sending mail, may send others at any time. */
export function ofSessions(sent: readonly SentStatement[]): readonly SentStatement[] {
  return sent.filter(({ text }) => text.includes('"sessions"'));
}
