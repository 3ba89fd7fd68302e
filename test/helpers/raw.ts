/** Raw HTTP on a TCP connection, also malformed. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name; repeated headers are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawConnection {
  readonly socket: Socket;
  send(text: string): void;
  /** The next complete response. @throws Error if the connection closes first */
  next(): Promise<RawAnswer>;
  /** All responses until the connection closes. */
  rest(): Promise<RawAnswer[]>;
}

/** Connects to a port of the loopback address. The connection closes after the test. */
export async function openRaw(t: { teardown(work: () => unknown): void }, port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  let bytes = Buffer.alloc(0);
  let closed = false;
  let wake: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
    wake();
  });
  const take = (): RawAnswer | undefined => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
    }
    const status = Number(first.split(' ')[1]);
    const length = Number(headers['content-length'] ?? 0);
    if (bytes.length < end + 4 + length) return undefined;
    const body = bytes.subarray(end + 4, end + 4 + length).toString();
    bytes = bytes.subarray(end + 4 + length);
    return { status, headers, body };
  };
  const next = async (): Promise<RawAnswer | undefined> => {
    for (;;) {
      const answer = take();
      if (answer || closed) return answer;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return {
    socket,
    send: (text) => void socket.write(text, 'latin1'),
    async next() {
      const answer = await next();
      if (!answer) throw new Error(`The connection closed before an answer: ${bytes.toString()}`);
      return answer;
    },
    async rest() {
      const answers: RawAnswer[] = [];
      for (let answer = await next(); answer; answer = await next()) answers.push(answer);
      if (bytes.length > 0) throw new Error(`Not an answer: ${bytes.toString()}`);
      return answers;
    },
  };
}
