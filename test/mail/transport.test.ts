import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import t, { type Test } from 'tap';
import {
  createPrintTransport,
  createSmtpTransport,
  MAIL_TIMEOUT_MS,
  MailRejectedError,
  type Mail,
  type MailTimeouts,
} from '../../src/mail/transport.js';
import { startSmtpServer, type Behaviour } from '../helpers/smtp.js';

const FROM = 'Latchkey <no-reply@auth.example.com>';
const MAIL: Mail = { to: 'ada@example.com', subject: 'Hello', text: 'a hunter2 text', html: '<p>a hunter2 text</p>' };
const PATIENT: MailTimeouts = { connectionMs: 10_000, socketMs: 10_000, sendMs: 10_000 };

type Scope = { teardown(work: () => unknown): void };

function transportTo(t: Scope, url: string, timeouts: MailTimeouts = PATIENT) {
  const transport = createSmtpTransport({ url, from: FROM, timeouts });
  t.teardown(() => transport.close());
  return transport;
}

async function start(t: Scope, behaviour: Behaviour = 'accept', timeouts?: MailTimeouts) {
  const server = await startSmtpServer(t, { behaviour });
  return { server, transport: transportTo(t, server.url, timeouts) };
}

/** The result of sending. Asserts that it does not contain the content of the mail. */
async function failureOf(t: Test, sent: Promise<void>): Promise<Error> {
  const error = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('It was sent.');
  t.notMatch(inspect(error, { depth: Infinity, showHidden: true }), /hunter2/);
  return error;
}

t.test('sends text, HTML and the configured sender', async (t) => {
  const { server, transport } = await start(t);
  const subject = 'Grüße – 你好';
  const text = `${'ä long line '.repeat(100)}\nhttps://app.example.com/reset-password?token=a_-b=c\n.\nend\n`;
  await transport.send({ to: "o'hara+a=b@example.com", subject, text, html: '<p>Grüße &amp; 你好</p>' });
  const mail = await server.next();
  t.match(mail, {
    envelope: { from: 'no-reply@auth.example.com', to: ["o'hara+a=b@example.com"] },
    from: { name: 'Latchkey', address: 'no-reply@auth.example.com' },
    to: [{ name: '', address: "o'hara+a=b@example.com" }],
    subject,
    attachments: [],
  });
  t.equal(mail.text?.trim(), text.trim());
  t.equal(mail.html?.trim(), '<p>Grüße &amp; 你好</p>');
  t.equal(mail.headers.find(({ key }) => key === 'auto-submitted')?.value, 'auto-generated');
  t.notOk(mail.headers.some(({ key }) => key === 'x-mailer'));
});

t.test('sends to an internationalized address unchanged', async (t) => {
  const { server, transport } = await start(t);
  await transport.send({ ...MAIL, to: 'žofie@bücher.example' });
  t.match((await server.next()).envelope, { to: ['žofie@bücher.example'], smtpUtf8: true });
  await transport.send({ ...MAIL, to: 'ada@bücher.example' });
  t.match((await server.next()).to, [{ address: /^ada@(?:bücher|xn--bcher-kva)\.example$/ }]);
});

t.test('prevents header injection and recipient injection', async (t) => {
  const { server, transport } = await start(t);
  await transport.send({ ...MAIL, subject: 'Hi\r\nBcc: eve@evil.example\nX-Eve: 1\r\n\r\nbody' });
  const mail = await server.next();
  t.same(mail.envelope.to, ['ada@example.com']);
  t.equal(mail.bcc, undefined);
  t.notOk(mail.headers.some(({ key }) => key === 'x-eve'));
  t.equal(mail.subject, 'Hi Bcc: eve@evil.example X-Eve: 1  body');
  t.equal(mail.text?.trim(), MAIL.text);

  const several = [
    'eve@evil.example,ada@example.com',
    'eve@evil.example, Ada <ada@example.com>',
    'all: eve@evil.example, ada@example.com;',
    'eve@evil.example>\r\nRCPT TO:<ada@example.com',
  ];
  for (const to of several) await failureOf(t, transport.send({ ...MAIL, to }));
  t.equal(server.messages.length, 1, 'none of those is an address, and nobody got it');
});

t.test('reuses two pooled connections', async (t) => {
  const { server, transport } = await start(t);
  const numbers = Array.from({ length: 12 }, (_, index) => `${index}`);
  await Promise.all(numbers.map((subject) => transport.send({ ...MAIL, subject })));
  await transport.send({ ...MAIL, subject: 'last' });
  t.same(new Set(server.messages.map(({ subject }) => subject)), new Set([...numbers, 'last']));
  t.equal(server.connections(), 2);
});

t.test('throws MailRejectedError with the cause for a permanently rejected recipient', async (t) => {
  const { server, transport } = await start(t, 'refuse-recipient');
  const error = await failureOf(t, transport.send(MAIL));
  t.type(error, MailRejectedError);
  t.equal(error.name, 'MailRejectedError');
  t.match(error.message, /\(550\)/);
  t.match(error.cause, { responseCode: 550, response: /5\.1\.1 There is nobody here/ });
  t.equal(server.messages.length, 0);
});

t.test('rethrows temporary errors unchanged', async (t) => {
  const deferred = await start(t, 'answer-451');
  const notNow = await failureOf(t, deferred.transport.send(MAIL));
  t.notOk(notNow instanceof MailRejectedError);
  t.match(notNow, { responseCode: 451 });

  const unwelcome = await start(t, 'refuse-connection');
  const notUs = await failureOf(t, unwelcome.transport.send(MAIL));
  t.notOk(notUs instanceof MailRejectedError, 'it is not the message that was refused');
  t.match(notUs, { responseCode: 554 });

  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  closed.close();
  await once(closed, 'close');
  const nobody = await failureOf(t, transportTo(t, `smtp://127.0.0.1:${port}`).send(MAIL));
  t.notOk(nobody instanceof MailRejectedError);
  t.match(nobody.message, /ECONNREFUSED/);
});

t.test('fails without a retry of its own when the connection breaks before the reply', async (t) => {
  const { server, transport } = await start(t, 'close-after-data');
  const error = await failureOf(t, transport.send(MAIL));
  t.notOk(error instanceof MailRejectedError);
  t.match(error, { code: 'ECONNECTION' });
  t.equal(server.messages.length, 1);
  t.equal(server.connections(), 1);
});

t.test('does not throw MailRejectedError for rejected or missing credentials', async (t) => {
  const { server, transport } = await start(t, 'require-auth');
  await transport.send(MAIL);
  t.match(await server.next(), { subject: MAIL.subject });

  const wrong = await failureOf(t, transportTo(t, `smtp://latchkey:wrong@127.0.0.1:${server.port}`).send(MAIL));
  t.notOk(wrong instanceof MailRejectedError);
  t.match(wrong, { code: 'EAUTH', responseCode: 535 });

  const missing = await failureOf(t, transportTo(t, `smtp://127.0.0.1:${server.port}`).send(MAIL));
  t.notOk(missing instanceof MailRejectedError);
  t.match(missing, { responseCode: 530 });
  t.equal(server.messages.length, 1);
});

t.test('times out when the server is silent, before and after the greeting', async (t) => {
  for (const [behaviour, bound, timeoutType] of [
    ['hang', { connectionMs: 100 }, 'GREETING_TIMEOUT'],
    ['hang-after-data', { socketMs: 100 }, 'SOCKET_TIMEOUT'],
  ] as const) {
    const { transport } = await start(t, behaviour, { ...PATIENT, ...bound });
    const error = await failureOf(t, transport.send(MAIL));
    t.notOk(error instanceof MailRejectedError);
    t.match(error, { code: 'ETIMEDOUT', timeoutType });
  }
});

t.test('applies the deadline to the whole delivery, including the wait for a connection', async (t) => {
  t.equal(MAIL_TIMEOUT_MS, 30_000);
  const { transport } = await start(t, 'hang', { ...PATIENT, sendMs: 100 });
  const sent = [1, 2, 3].map(() => failureOf(t, transport.send(MAIL)));
  for (const error of await Promise.all(sent)) {
    t.notOk(error instanceof MailRejectedError);
    t.match(error, { code: 'EABORT', cause: { message: /100 ms/ } });
  }
});

t.test('never reads message content from a file or a URL', async (t) => {
  const { server, transport } = await start(t);
  const asText = (content: object) => content as unknown as string;
  const file = await failureOf(t, transport.send({ ...MAIL, text: asText({ path: 'package.json' }) }));
  t.match(file.message, 'File access rejected');
  const url = await failureOf(
    t,
    transport.send({ ...MAIL, html: asText({ href: `http://127.0.0.1:${server.port}/` }) }),
  );
  t.match(url.message, 'Url access rejected');
  t.equal(server.messages.length, 0);
});

t.test('rejects deliveries after close', async (t) => {
  const { server, transport } = await start(t);
  await transport.send(MAIL);
  transport.close();
  await failureOf(t, transport.send(MAIL));
  t.equal(server.messages.length, 1);
});

t.test('prints each email as one log line if no server is configured', async (t) => {
  const lines: string[] = [];
  const transport = createPrintTransport((line) => void lines.push(line));
  await transport.send({ ...MAIL, text: 'two\nlines' });
  transport.close();
  t.equal(lines.length, 1);
  t.match(lines[0], /^[^\n]*\n$/);
  const { time, ...line } = JSON.parse(lines[0]!) as Record<string, unknown>;
  t.ok(Math.abs(Number(time) - Date.now()) < 60_000);
  t.same(line, {
    level: 30,
    msg: 'Email (printed because SMTP_URL is not set)',
    to: MAIL.to,
    subject: MAIL.subject,
    text: 'two\nlines',
  });
});

t.test('sends nothing unencrypted if TLS is required, unless the URL overrides it', async (t) => {
  // A server without STARTTLS, or an attacker who removes it.
  const { server } = await start(t, 'require-auth');
  const strict = createSmtpTransport({ url: server.url, from: FROM, requireTls: true, timeouts: PATIENT });
  t.teardown(() => strict.close());
  const error = await failureOf(t, strict.send(MAIL));
  t.notOk(error instanceof MailRejectedError, 'it may be tried again');
  t.match(error, { code: 'ETLS' });
  t.equal(server.messages.length, 0);
  const url = `${server.url}/?requireTLS=false`;
  const lenient = createSmtpTransport({ url, from: FROM, requireTls: true, timeouts: PATIENT });
  t.teardown(() => lenient.close());
  await lenient.send(MAIL);
  t.equal(server.messages.length, 1);
});
