/** Queued mail survives a crash of the process that was about to send it. Needs dist/, which `npm test` builds. */
import { once } from 'node:events';
import { sql } from 'drizzle-orm';
import t from 'tap';
import { openDatabase } from '../../src/db/open.js';
import { createTestDatabase, onRealPostgres } from '../helpers/database.js';
import { migratedDataDir } from '../helpers/embedded-template.js';
import { startServer } from '../helpers/process.js';
import { startSmtpServer } from '../helpers/smtp.js';

const REGISTER = `mutation { register(input: {
  email: "ada@mail.test", username: "ada", password: "a quiet brass telescope" }) { user { id } } }`;

t.test('sends an email from the next process after the first was killed', async (t) => {
  const DATA_DIR = await migratedDataDir(t);
  const env = onRealPostgres ? { DATA_DIR, DATABASE_URL: await createTestDatabase(t) } : { DATA_DIR };
  const silent = await startSmtpServer(t, { behaviour: 'hang' });
  const first = await startServer(t, { ...env, SMTP_URL: silent.url, MAIL_FROM: 'Latchkey <no-reply@auth.test>' });
  const held = silent.connected();
  t.equal((await first.graphql(REGISTER)).errors, undefined, 'acknowledged while the mail server does not respond');
  await held;
  const exit = once(first.child, 'exit');
  first.child.kill('SIGKILL');
  await exit;

  const db = await openDatabase({
    databaseUrl: env.DATABASE_URL,
    dataDir: DATA_DIR,
    databasePoolSize: 1,
    databaseTimeoutMs: 5000,
  });
  // As if the claim of the first process had expired.
  const due = await db.executor.execute(sql`update mail_outbox set next_attempt_at = created_at returning address`);
  t.match(due, onRealPostgres ? [{ address: 'ada@mail.test' }] : { rows: [{ address: 'ada@mail.test' }] });
  await db.close();

  const smtp = await startSmtpServer(t);
  await startServer(t, { ...env, SMTP_URL: smtp.url, MAIL_FROM: 'Latchkey <no-reply@auth.test>' });
  const mail = await smtp.next();
  t.same(mail.envelope.to, ['ada@mail.test']);
  t.match(mail.text, /\/verify-email\?token=[\w-]{43}/);
  t.equal(smtp.messages.length, 1);
});

t.test('stops in time although the mail server does not answer', async (t) => {
  const DATA_DIR = await migratedDataDir(t);
  const env = onRealPostgres ? { DATA_DIR, DATABASE_URL: await createTestDatabase(t) } : { DATA_DIR };
  const silent = await startSmtpServer(t, { behaviour: 'hang-after-data' });
  const server = await startServer(t, { ...env, SMTP_URL: silent.url, MAIL_FROM: 'Latchkey <no-reply@auth.test>' });
  t.equal((await server.graphql(REGISTER)).errors, undefined);
  await silent.next();
  t.equal(await server.end('SIGTERM'), 0);
});
