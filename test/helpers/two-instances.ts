/** Two instances of one deployment in this process. On a Postgres server, each has its own pool. */
import { randomUUID } from 'node:crypto';
import { openPostgres } from '../../src/db/postgres.js';
import { startTestApp, type TestApp, type TestScope } from './app.js';
import { createTestDatabase, onRealPostgres, openTestDatabase } from './database.js';

/** @returns both; they share the clock of the first */
export async function startTwoInstances(
  t: TestScope,
  env: Record<string, string> = {},
): Promise<readonly [TestApp, TestApp]> {
  const settings = { ...env, REDIS_PREFIX: `latchkey-test:${randomUUID()}:` };
  if (!onRealPostgres) {
    const db = await openTestDatabase(t);
    const one = await startTestApp(t, settings, db);
    return [one, await startTestApp(t, settings, db, one.clock)];
  }
  const url = await createTestDatabase(t);
  const open = () => {
    const db = openPostgres({ url, poolSize: 10, timeoutMs: 10_000 });
    t.teardown(() => db.close());
    return db;
  };
  const one = await startTestApp(t, settings, open());
  return [one, await startTestApp(t, settings, open(), one.clock)];
}
