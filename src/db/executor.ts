/** A Drizzle executor on top of a query function, with Drizzle's proxy driver. */
import { PgDialect } from 'drizzle-orm/pg-core';
import { PgRemoteDatabase, PgRemoteSession, type RemoteCallback } from 'drizzle-orm/pg-proxy';
import type { Query } from './connection.js';

export type RemoteExecutor = PgRemoteDatabase;

/** Shared, because it caches column names. */
const dialect = new PgDialect({ casing: 'snake_case' });

/** Creates an executor. Cheap enough for one per transaction. */
export function createExecutor(query: Query): RemoteExecutor {
  const run: RemoteCallback = async (text, parameters, method) => ({
    rows: (await query(text, parameters, method === 'all')) as unknown[],
  });
  return new PgRemoteDatabase(dialect, new PgRemoteSession(run, dialect, undefined), undefined);
}
