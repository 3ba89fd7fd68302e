/** The roles of docs/postgres.md, made with its own statements; nothing here runs without TEST_DATABASE_URL. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import t from 'tap';
import { openPostgres } from '../../src/db/postgres.js';
import { onRealPostgres } from '../helpers/database.js';

if (onRealPostgres) {
  t.test('runs with the documented roles and keeps the audit log append-only', async (t) => {
    const name = `latchkey_roles_${randomUUID().slice(0, 8)}`;
    const url = (user: string, database = name): string => {
      const url = new URL(process.env['TEST_DATABASE_URL']!);
      [url.username, url.password, url.pathname] = [user, 'change-me', `/${database}`];
      return url.href;
    };
    const admin = postgres(process.env['TEST_DATABASE_URL']!, { max: 1, onnotice: () => undefined });
    t.teardown(async () => {
      await admin.unsafe(`drop database if exists ${name} with (force)`);
      await admin.unsafe(`drop role if exists ${name}_owner`);
      await admin.unsafe(`drop role if exists ${name}_app`);
      await admin.end();
    });
    const text = readFileSync('docs/postgres.md', 'utf8')
      .replaceAll('latchkey_owner', `${name}_owner`)
      .replaceAll('latchkey_app', `${name}_app`)
      .replaceAll('create database latchkey ', `create database ${name} `);
    const [setup, grants] = [...text.matchAll(/```sql\n([^`]*)```/g)].map(([, statements]) => statements!);
    for (const statement of setup!.split(';').filter((each) => each.trim())) await admin.unsafe(statement);
    const open = (user: string) => {
      const db = openPostgres({ url: url(user), poolSize: 1, timeoutMs: 10_000 });
      t.teardown(() => db.close());
      return db;
    };
    const [owner, app] = [open(`${name}_owner`), open(`${name}_app`)];
    await t.rejects(app.migrate(), 'the instances create nothing');
    await owner.migrate();
    const asOwner = postgres(url(`${name}_owner`), { max: 1, onnotice: () => undefined });
    t.teardown(() => asOwner.end());
    await asOwner.unsafe(grants!);
    await t.resolves(app.migrate(), 'there is nothing to do');

    const asApp = postgres(url(`${name}_app`), { max: 1, onnotice: () => undefined });
    t.teardown(() => asApp.end());
    const event = (type: string, age: string) =>
      asApp`insert into audit_events (id, type, user_id, ip_address, created_at)
        values (gen_random_uuid(), ${type}, gen_random_uuid(), '192.0.2.1', now() - ${age}::interval)`;
    await event('recent', '364 days');
    await event('expired', '366 days');
    t.same([...(await asApp`delete from audit_events returning type`)], [{ type: 'expired' }]);
    const denied = { code: '42501' };
    await t.rejects(asApp`update audit_events set type = 'other'`, denied);
    await t.rejects(asApp`update audit_events set ip_address = '192.0.2.2'`, denied);
    await t.rejects(asApp`truncate audit_events`, denied);
    await t.rejects(asApp`alter table audit_events disable row level security`, denied);
    await t.rejects(asApp`create table mine ()`, denied);
    const cleared = await asApp`update audit_events set ip_address = null, user_agent = null returning type`;
    t.same([...cleared], [{ type: 'recent' }]);
  });
} else {
  t.test('the embedded database has one role', async (t) => t.equal(onRealPostgres, false));
}
