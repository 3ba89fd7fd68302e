/** The outbox on its way to a real mail server, through everything that can go wrong. */
import { once } from 'node:events';
import { sql } from 'drizzle-orm';
import t from 'tap';
import type { Clock } from '../../src/lib/clock.js';
import type { Database } from '../../src/db/database.js';
import { createOutbox } from '../../src/mail/outbox.js';
import { createMailSender } from '../../src/mail/sender.js';
import { createSmtpTransport, MailRejectedError, type Mail, type MailTransport } from '../../src/mail/transport.js';
import { startTestApp } from '../helpers/app.js';
import { testClock } from '../helpers/clock.js';
import { openTestDatabase } from '../helpers/database.js';
import { startServer } from '../helpers/process.js';
import { startSmtpServer } from '../helpers/smtp.js';

const MESSAGE = { kind: 'password_changed', userId: null, address: 'ada@mail.test', detail: {} } as const;
const MAIL: Mail = { to: MESSAGE.address, subject: 'Subject', text: 'text', html: '<p>text</p>' };

function senderOn(db: Database, clock: Clock, transport: Partial<MailTransport>, log: object[] = []) {
  return createMailSender({
    db,
    clock,
    compose: async () => MAIL,
    transport: { send: async () => undefined, close: () => undefined, ...transport },
    log: { warn: (fields, message) => void log.push({ ...fields, message }) },
  });
}
const enqueue = (db: Database, clock: Clock, onWake = () => undefined) =>
  createOutbox({ clock, onWake }).enqueue(db.executor, MESSAGE);
const waiting = async (db: Database) =>
  Number(
    /"n":"?(\d+)/.exec(JSON.stringify(await db.executor.execute(sql`select count(*) as n from mail_outbox`)))?.[1],
  );

t.test('delivers queued email and removes it from the outbox', async (t) => {
  const smtp = await startSmtpServer(t);
  const app = await startTestApp(t);
  const user = await app.user();
  const transport = createSmtpTransport({ url: smtp.url, from: 'Latchkey <no-reply@auth.test>' });
  const [mail] = await app.mailTo(user.email);
  await transport.send(mail!);
  transport.close();
  const received = await smtp.next();
  t.same(received.envelope.to, [user.email]);
  t.match(received.text, /http:\/\/auth\.test\/verify-email\?token=[\w-]{43}/);
  t.match(received.html, /href="http:\/\/auth\.test\/verify-email\?token=/);
  t.equal(await waiting(app.db), 0);
});

t.test('does not send email of a transaction that rolled back', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  const sent: Mail[] = [];
  const rolledBack = db.transaction(async (tx) => {
    await createOutbox({ clock, onWake: () => undefined }).enqueue(tx, MESSAGE);
    throw new Error('no');
  });
  await t.rejects(rolledBack);
  await senderOn(db, clock, { send: async (mail) => void sent.push(mail) }).deliverDue();
  t.same(sent, []);
});

t.test('retries an unavailable mail server with exponential backoff', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  let isAway = true;
  const tried: number[] = [];
  const started = clock.now();
  const sender = senderOn(db, clock, {
    async send() {
      tried.push(clock.now() - started);
      if (isAway) throw new Error('connect ECONNREFUSED');
    },
  });
  await enqueue(db, clock);
  for (let second = 0; second < 200; second += 5) {
    await sender.deliverDue();
    clock.advance(5000);
  }
  t.same(tried, [0, 10_000, 30_000, 70_000, 150_000]);
  isAway = false;
  clock.advance(160_000);
  await sender.deliverDue();
  t.equal(await waiting(db), 0);
});

t.test('discards permanently rejected email and keeps deferred email', async (t) => {
  for (const [behaviour, left] of [
    ['refuse-recipient', 0],
    ['answer-451', 1],
  ] as const) {
    const smtp = await startSmtpServer(t, { behaviour });
    const db = await openTestDatabase(t);
    const clock = testClock();
    const log: object[] = [];
    const transport = createSmtpTransport({ url: smtp.url, from: 'no-reply@auth.test' });
    const sender = senderOn(db, clock, transport, log);
    await enqueue(db, clock);
    await sender.deliverDue();
    t.equal(await waiting(db), left, behaviour);
    t.match(log, [{ kind: 'password_changed', message: left ? /will be retried/ : /giving up/ }]);
    await sender.close();
  }
});

t.test('discards email after three days', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  const sender = senderOn(db, clock, { send: async () => Promise.reject(new Error('away')) });
  await enqueue(db, clock);
  clock.advance(3 * 86_400_000 + 1);
  await sender.deliverDue();
  t.equal(await waiting(db), 0);
});

t.test('sends each email from one instance; another takes over when the lease expires', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  let sends = 0;
  const dying = senderOn(db, clock, { send: () => new Promise(() => (sends += 1)) });
  const other = senderOn(db, clock, { send: async () => void (sends += 1) });
  await enqueue(db, clock);
  void dying.deliverDue();
  while (sends === 0) await new Promise(setImmediate);
  await other.deliverDue();
  t.equal(sends, 1, 'it is taken');
  clock.advance(60_000);
  await other.deliverDue();
  t.equal(sends, 2);
  t.equal(await waiting(db), 0);
});

t.test('sends each email once when two instances send concurrently', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  const sent: Mail[] = [];
  const compose = async ({ address }: { address: string }): Promise<Mail> => ({ ...MAIL, to: address });
  const transport = { send: async (mail: Mail) => void sent.push(mail), close: () => undefined };
  const sender = () => createMailSender({ db, clock, compose, transport, log: { warn: () => undefined } });
  const outbox = createOutbox({ clock, onWake: () => undefined });
  const addresses = Array.from({ length: 60 }, (_, index) => `ada${index}@mail.test`);
  for (const address of addresses) await outbox.enqueue(db.executor, { ...MESSAGE, address });
  await Promise.all([sender(), sender(), sender()].map((each) => each.deliverDue()));
  t.same(sent.map(({ to }) => to).sort(), [...addresses].sort());
});

t.test('keeps email in the outbox when shutdown interrupts a delivery', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  const smtp = await startSmtpServer(t, { behaviour: 'hang-after-data' });
  const log: object[] = [];
  const transport = createSmtpTransport({ url: smtp.url, from: 'Latchkey <no-reply@auth.test>' });
  const sender = senderOn(db, clock, transport, log);
  await enqueue(db, clock);
  void sender.deliverDue();
  await smtp.next();
  await sender.close();
  t.match(log, [{ message: 'Email could not be sent; it will be retried' }]);
  t.equal(await waiting(db), 1);
});

t.test('sends several batches in one run, including email queued meanwhile', async (t) => {
  const db = await openTestDatabase(t);
  const clock = testClock();
  let sends = 0;
  const sender = senderOn(db, clock, {
    async send() {
      sends += 1;
      if (sends !== 1) return;
      await enqueue(db, clock);
      void sender.deliverDue();
    },
  });
  for (let n = 0; n < 12; n += 1) await enqueue(db, clock);
  await sender.deliverDue();
  t.equal(sends, 13);
});

t.test('keeps email of an unknown kind for a newer instance', async (t) => {
  const app = await startTestApp(t);
  await app.db.executor.execute(sql`insert into mail_outbox (id, kind, address, detail, next_attempt_at, created_at)
    values (gen_random_uuid(), 'from_the_future', 'x@mail.test', '{}', now() - interval '1 day', now())`);
  t.same(await app.mailTo('x@mail.test'), []);
  t.equal(await waiting(app.db), 1);
});

t.test('completes a mutation while the mail server is slow or broken', async (t) => {
  for (const behaviour of ['hang', 'refuse-connection', 'close-after-data'] as const) {
    const smtp = await startSmtpServer(t, { behaviour });
    const server = await startServer(t, {
      SMTP_URL: smtp.url,
      MAIL_FROM: 'Latchkey <no-reply@auth.test>',
    });
    const connected = smtp.connected();
    const { data } = await server.graphql(
      `mutation { register(input: { email: "a@mail.test", username: "ada", password: "a quiet brass telescope" }) { tokenType } }`,
    );
    t.match(data, { register: { tokenType: 'Bearer' } }, behaviour);
    await connected;
    t.equal(await server.end('SIGTERM'), 0, 'and it keeps no process from ending');
  }
});

t.test('prints email in development if SMTP_URL is not set', async (t) => {
  const server = await startServer(t);
  await server.graphql(
    `mutation { register(input: { email: "a@mail.test", username: "ada", password: "a quiet brass telescope" }) { tokenType } }`,
  );
  while (!server.output().includes('/verify-email?token=')) await once(server.child.stdout!, 'data');
  t.match(server.output(), /"to":"a@mail\.test".*\/verify-email\?token=[\w-]{43}/);
});

t.test('distinguishes a permanent rejection from other errors', async (t) => {
  const smtp = await startSmtpServer(t, { behaviour: 'refuse-recipient' });
  const transport: MailTransport = createSmtpTransport({ url: smtp.url, from: 'no-reply@auth.test' });
  t.teardown(() => transport.close());
  await t.rejects(transport.send(MAIL), MailRejectedError);
});
