/**
 * A new, migrated database for a test: embedded, or on the server of TEST_DATABASE_URL. Both are copied from
 * a template that is created once for each state of the migrations.
 */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import type { Database } from '../../src/db/database.js';
import { embedded } from '../../src/db/embedded.js';
import { openPostgres } from '../../src/db/postgres.js';
import type { TestScope } from './app.js';
import { migrationState, openTemplateCopy } from './embedded-template.js';

const SERVER = process.env['TEST_DATABASE_URL'] || undefined;

/** Whether the tests run on a Postgres server, where transactions run in parallel. */
export const onRealPostgres = SERVER !== undefined;

/** Opens a new database, which is deleted after the test. */
export async function openTestDatabase(t: TestScope): Promise<Database> {
  const database =
    SERVER === undefined
      ? embedded(await openTemplateCopy())
      : openPostgres({ ...TEST_POOL, url: await createTestDatabase(t) });
  t.teardown(() => database.close());
  return database;
}

const TEST_POOL = { poolSize: 10, timeoutMs: 10_000 };

/** Creates a database on the server, migrated unless `empty`. Returns its URL. */
export async function createTestDatabase(t: TestScope, { empty = false } = {}): Promise<string> {
  if (SERVER === undefined) throw new Error('TEST_DATABASE_URL is not set');
  const name = `latchkey_test_${randomUUID().replaceAll('-', '')}`;
  await onServer(async (server) => {
    const template = empty ? 'template0' : await ensureTemplate(server);
    await server.unsafe(`create database ${name} template ${template}`);
  });
  t.teardown(() => onServer((server) => server.unsafe(`drop database if exists ${name} with (force)`)));
  return addressOf(name);
}

async function ensureTemplate(server: postgres.Sql): Promise<string> {
  const name = `latchkey_template_${migrationState}`;
  await server`select pg_advisory_lock(hashtext(${name}))`;
  const [known] = await server`select 1 from pg_database where datname = ${name}`;
  if (!known) {
    const draft = `${name}_draft`;
    await server.unsafe(`drop database if exists ${draft} with (force)`);
    await server.unsafe(`create database ${draft} template template0`);
    const database = openPostgres({ ...TEST_POOL, url: addressOf(draft) });
    await database.migrate();
    await database.close();
    await server.unsafe(`alter database ${draft} rename to ${name}`);
  }
  return name;
}

async function onServer<T>(work: (server: postgres.Sql) => Promise<T>): Promise<T> {
  const server = postgres(SERVER!, { max: 1, onnotice: () => undefined });
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

function addressOf(database: string): string {
  const url = new URL(SERVER!);
  url.pathname = `/${database}`;
  return url.href;
}
