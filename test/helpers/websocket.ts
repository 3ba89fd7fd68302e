/** A WebSocket client that may violate the protocol, and reads messages one by one. */
import { once } from 'node:events';
import { WebSocket, type ClientOptions } from 'ws';

export const PROTOCOL = 'graphql-transport-ws';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- messages have no type in tests; asserting on them is the check
export type Message = Record<string, any>;

export interface TestSocket {
  readonly ws: WebSocket;
  /** Sends a message as JSON, or a text unchanged. */
  send(message: Message | string | Buffer): void;
  /** The next unread message. @throws Error if the socket closes first */
  next(): Promise<Message>;
  /** Unread messages. */
  readonly unread: readonly Message[];
  /** The close code and reason. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** Connects; rejects if the upgrade is refused. */
export async function openSocket(
  port: number,
  options: ClientOptions = {},
  protocol: string | string[] = PROTOCOL,
): Promise<TestSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/graphql`, protocol, options);
  const unread: Message[] = [];
  let wake: () => void = () => undefined;
  let isClosed = false;
  ws.on('message', (data: Buffer) => {
    unread.push(JSON.parse(data.toString()) as Message);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once('close', (code, reason) => {
      isClosed = true;
      wake();
      resolve({ code, reason: reason.toString() });
    });
  });
  ws.on('error', () => undefined);
  await once(ws, 'open');
  return {
    ws,
    send: (message) =>
      ws.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message)),
    async next() {
      while (unread.length === 0) {
        if (isClosed) throw new Error('The socket closed before a message came.');
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return unread.shift()!;
    },
    unread,
    closed,
  };
}

/** Connects and waits for the connection_ack. */
export async function openSession(port: number, authorization: string, options?: ClientOptions): Promise<TestSocket> {
  const socket = await openSocket(port, options);
  socket.send({ type: 'connection_init', payload: { authorization } });
  const answer = await socket.next();
  if (answer['type'] !== 'connection_ack') throw new Error(`Not acknowledged: ${JSON.stringify(answer)}`);
  return socket;
}

/** A subscribe message. */
export const subscribeMessage = (query: string, id = '1', variables: Message = {}): Message => ({
  id,
  type: 'subscribe',
  payload: { query, variables },
});

export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: { readonly errors: readonly { readonly message: string; readonly extensions: Message }[] };
}

/** Requests an upgrade that must be refused. Returns the response. */
export function refusedUpgrade(
  port: number,
  options: ClientOptions = {},
  protocol: string[] = [PROTOCOL],
  path = '/graphql',
): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol, options);
    ws.on('error', () => undefined);
    ws.on('open', () => {
      ws.terminate();
      reject(new Error('The upgrade was not refused'));
    });
    ws.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: JSON.parse(text) as Refusal['body'],
        }),
      );
    });
  });
}
