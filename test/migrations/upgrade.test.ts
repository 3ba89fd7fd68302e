/** From every earlier step, with data in place, to the newest: nothing is lost and every constraint holds. */
import { existsSync, readFileSync } from 'node:fs';
import type { PGlite } from '@electric-sql/pglite';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/pglite';
import t from 'tap';
import { constraintOf } from '../../src/db/errors.js';
import { migrations } from '../../src/db/migrate.js';
import { embedded } from '../../src/db/embedded.js';
import { openTemplateCopy } from '../helpers/embedded-template.js';

const steps = migrations();
const fixture = (step: number) => new URL(`fixtures/${String(step).padStart(4, '0')}.sql`, import.meta.url);

for (const step of steps.keys()) {
  t.test(`migrates from step ${step} with existing data`, async (t) => {
    const client = await openTemplateCopy();
    await client.exec('drop schema public cascade; drop schema drizzle cascade; create schema public');
    const database = embedded(client);
    t.teardown(() => database.close());
    await applyUpTo(client, step);
    t.ok(existsSync(fixture(step)), 'every step brings data as it stood after it');
    await client.exec(readFileSync(fixture(step), 'utf8'));

    await database.migrate();
    const { rows } = await client.query<{ users: number; sessions: number; events: number }>(
      'select (select count(*) from users)::int as users, (select count(*) from sessions)::int as sessions, (select count(*) from audit_events)::int as events',
    );
    t.same(rows, [{ users: 2, sessions: 1, events: 1 }]);
    const times = await client.query('select authenticated_at - created_at as apart from sessions');
    t.same(times.rows, [{ apart: '00:00:00' }], 'a session of an older release counts as authenticated when it began');
    const twice: unknown = await database.executor
      .execute(sql`update users set email_key = 'ada@example.com'`)
      .catch((error: unknown) => error);
    t.equal(constraintOf(twice), 'users_email_key_unique');
    await client.exec('delete from users');
    t.same((await client.query('select * from sessions')).rows, [], 'sessions go with their account');
  });
}

/** Applies migrations like drizzle's migrator, up to a step. */
async function applyUpTo(client: PGlite, last: number): Promise<void> {
  const database = drizzle(client);
  await client.exec(
    'create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  );
  for (const { sql: statements, hash, folderMillis } of steps.slice(0, last + 1)) {
    for (const statement of statements) await client.exec(statement);
    await database.execute(
      sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`,
    );
  }
}
