/** PgBouncer in transaction mode. Needs Debian's pgbouncer and TEST_DATABASE_URL. */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import t from 'tap';
import { openPostgres } from '../../src/db/postgres.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { freePort } from '../helpers/services.js';
import { register, startInstance } from '../helpers/instances.js';
import { refusal } from '../helpers/process.js';

const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0;

/** Starts a PgBouncer; returns the URL of a database through it. */
async function startPgBouncer(t: Tap, target: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-pgbouncer-'));
  const { hostname, port, username } = new URL(target);
  const listening = await freePort();
  writeFileSync(join(directory, 'users.txt'), `"${username}" ""\n`);
  const settings = [
    `[databases]\n* = host=${hostname} port=${port || '5432'}\n[pgbouncer]`,
    `listen_addr = 127.0.0.1\nlisten_port = ${listening}\nunix_socket_dir =`,
    `auth_type = trust\nauth_file = ${join(directory, 'users.txt')}\npool_mode = transaction\ndefault_pool_size = 3`,
  ];
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(file, `${settings.join('\n')}\n`);
  // It refuses to run as root.
  const idOf = (which: string) => Number(spawnSync('id', [which, 'postgres'], { encoding: 'utf8' }).stdout);
  const user = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid);
  const child = spawn('pgbouncer', [file], user);
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => chunk.toString().includes('process up') && resolve());
  });
  const url = new URL(target);
  [url.hostname, url.port] = ['127.0.0.1', String(listening)];
  return url.href;
}
interface Tap {
  teardown(work: () => unknown): void;
}

if (onRealPostgres && hasPgBouncer) {
  t.test('migrates and runs statements and transactions through a pooler in transaction mode', async (t) => {
    const direct = await createTestDatabase(t, { empty: true });
    const url = await startPgBouncer(t, direct);
    const db = openPostgres({ url, poolSize: 6, timeoutMs: 10_000 });
    t.teardown(() => db.close());
    await db.migrate();
    const rounds = Array.from({ length: 40 }, (_, round) =>
      round % 2 === 0
        ? db.executor.execute(sql`select ${String(round)}::text as round`)
        : db.transaction(async (tx) => {
            await tx.execute(sql`insert into rate_limits values (${String(round)}, 1, now())`);
            await tx.execute(sql`select ${round}::int`);
          }),
    );
    await Promise.all(rounds);
    t.match(JSON.stringify(await db.executor.execute(sql`select count(*)::int as n from rate_limits`)), /"n":20/);
    await t.rejects(db.verifyListening(), { message: /DATABASE_LISTEN_URL.* REDIS_URL/ });
    const through = openPostgres({ url, listenUrl: url, poolSize: 1, timeoutMs: 2_000 });
    t.teardown(() => through.close());
    await t.rejects(through.verifyListening(), { message: /^DATABASE_LISTEN_URL: notifications do not arrive/ });
    const nowhere = openPostgres({ url, listenUrl: 'postgres://127.0.0.1:1/x', poolSize: 1, timeoutMs: 2_000 });
    t.teardown(() => nowhere.close());
    await t.rejects(nowhere.verifyListening(), { message: /^DATABASE_LISTEN_URL: its server/ });
  });

  t.test('starts behind a pooler only with DATABASE_LISTEN_URL', async (t) => {
    const direct = await createTestDatabase(t);
    const url = await startPgBouncer(t, direct);
    const refused = await refusal(t, { DATABASE_URL: url, DATA_DIR: t.testdir() });
    t.equal(refused.status, 1);
    t.match(refused.output, /^Latchkey cannot start: DATABASE_URL leads to a pooler: set DATABASE_LISTEN_URL.*\n$/);
    const server = await startInstance(t, { DATABASE_URL: url, DATABASE_LISTEN_URL: direct });
    await register(server);
    t.equal(await server.end('SIGTERM'), 0);
  });
} else {
  t.test('is skipped without PgBouncer and a Postgres server', async (t) =>
    t.equal(onRealPostgres && hasPgBouncer, false),
  );
}
