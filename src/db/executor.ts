/** Drizzle over a function that runs statements: its documented driver for databases that are reached in one's own way. */
import { PgDialect } from 'drizzle-orm/pg-core';
import { PgRemoteDatabase, PgRemoteSession, type RemoteCallback } from 'drizzle-orm/pg-proxy';
import type { Query } from './connection.js';

export type RemoteExecutor = PgRemoteDatabase;

/** Shared, as it remembers the names of columns. */
const dialect = new PgDialect({ casing: 'snake_case' });

/** Creates an executor; cheap enough for one per transaction. */
export function createExecutor(query: Query): RemoteExecutor {
  const run: RemoteCallback = async (text, parameters, method) => ({
    rows: (await query(text, parameters, method === 'all')) as unknown[],
  });
  return new PgRemoteDatabase(dialect, new PgRemoteSession(run, dialect, undefined), undefined);
}
