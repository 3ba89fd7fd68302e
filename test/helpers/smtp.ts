/** An SMTP server on a free port that can fail in several ways. */
import { EventEmitter, once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export type Behaviour =
  | 'accept'
  /** Answers 550 to every recipient. */
  | 'refuse-recipient'
  /** Answers 451 after the DATA of every message. */
  | 'answer-451'
  /** Answers 554 to every connection instead of the greeting. */
  | 'refuse-connection'
  /** Accepts connections and sends nothing. */
  | 'hang'
  /** Accepts the whole message and sends no answer. */
  | 'hang-after-data'
  /** Accepts the whole message and closes the connection without an answer. */
  | 'close-after-data'
  /** Requires the login `SMTP_LOGIN`: 530 without a login, 535 for others. */
  | 'require-auth';

export const SMTP_LOGIN = { user: 'latchkey', password: 'correct horse' } as const;

/** A received message: its content and its envelope. */
export interface ReceivedMail extends Email {
  readonly envelope: { readonly from: string; readonly to: readonly string[]; readonly smtpUtf8: boolean };
}

export interface TestSmtpServer {
  /** The URL, with the login if one is required. */
  readonly url: string;
  readonly port: number;
  /** All completely received messages, also rejected ones. */
  readonly messages: readonly ReceivedMail[];
  /** The next message; waits up to 10 s. */
  next(): Promise<ReceivedMail>;
  /** The number of connections so far. */
  connections(): number;
  /** The next connection; waits up to 10 s. */
  connected(): Promise<unknown>;
}

/** Starts a server. The teardown of the test closes it and its connections. */
export async function startSmtpServer(
  t: { teardown(work: () => unknown): void },
  { behaviour = 'accept' }: { behaviour?: Behaviour } = {},
): Promise<TestSmtpServer> {
  const messages: ReceivedMail[] = [];
  const arrivals = new EventEmitter();
  const sockets = new Set<Socket>();
  let connections = 0;
  let had = 0;
  const endConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  const answers: Partial<Record<Behaviour, SMTPServerOptions>> = {
    'refuse-recipient': { onRcptTo: (_address, _session, done) => done(reply(550, '5.1.1 There is nobody here.')) },
    'refuse-connection': { onConnect: (_session, done) => done(reply(554, 'Not from there.')) },
    hang: { onConnect: () => undefined },
    'require-auth': {
      authOptional: false,
      disabledCommands: ['STARTTLS'],
      onAuth: ({ username, password }, _session, done) => {
        const known = username === SMTP_LOGIN.user && password === SMTP_LOGIN.password;
        done(known ? null : reply(535, '5.7.8 The login is wrong.'), { user: username });
      },
    },
  };

  const server = new SMTPServer({
    logger: false,
    disableReverseLookup: true,
    allowInsecureAuth: true,
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, { envelope }, done) => {
      const received = async (raw: Buffer) => {
        const { mailFrom, rcptTo, smtpUtf8 = false } = envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        const email = await PostalMime.parse(raw);
        messages.push({ ...email, envelope: { from, to: rcptTo.map(({ address }) => address), smtpUtf8 } });
        arrivals.emit('mail');
        if (behaviour === 'close-after-data') endConnections();
        else if (behaviour !== 'hang-after-data')
          done(behaviour === 'answer-451' ? reply(451, '4.3.0 Not now.') : null);
      };
      // Ignore messages that end early.
      buffer(stream).then(received, () => undefined);
    },
    ...answers[behaviour],
  });
  server.on('error', () => undefined);
  server.server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  t.teardown(() => {
    const closed = new Promise<void>((resolve) => server.close(resolve));
    endConnections();
    return closed;
  });

  const login = behaviour === 'require-auth' ? `${SMTP_LOGIN.user}:${encodeURIComponent(SMTP_LOGIN.password)}@` : '';
  return {
    url: `smtp://${login}127.0.0.1:${port}`,
    port,
    messages,
    async next() {
      const signal = AbortSignal.timeout(10_000);
      while (messages.length <= had) await once(arrivals, 'mail', { signal });
      return messages[had++]!;
    },
    connections: () => connections,
    connected: () => once(server.server, 'connection', { signal: AbortSignal.timeout(10_000) }),
  };
}

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}
