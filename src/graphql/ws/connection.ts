/** One WebSocket with its bounds: how much a client may send, and how much may wait for it to read. */
import type { WebSocket } from '@fastify/websocket';
import { BAD_MESSAGE, TOO_MANY_MESSAGES, type Closing } from './closings.js';

export interface Connection {
  /** What sockets are counted by: the client's address, an IPv6 one as its /64. */
  readonly network: string;
  isOpen(): boolean;
  /** Says why and hangs up; the first reason counts. From now on nothing is sent or read. */
  close(closing: Closing): void;
  /** Hangs up without a word, for who would not hear it. */
  terminate(): void;
  /** Resolves when the text is on its way, or never will be: what comes next waits for a client that is slow to read. */
  send(text: string): Promise<void>;
  /** Calls `listener` with each text message within the bounds. */
  onMessage(listener: (text: string) => void): void;
  /** Calls `listener` with the code (RFC 6455 section 7.4) once the socket has closed. */
  onClose(listener: (code: number) => void): void;
  /** To be called each second: the client may send as much anew. */
  renewBudget(): void;
  /** Asks for a sign of life; hangs up on who has given none since the last time. */
  ping(): void;
}

/**
 * What may wait to be sent, in bytes. Each subscription waits for its last message to go, so an honest client has 50
 * messages under way at most; who goes past this is not reading.
 */
const MAX_BUFFERED = 524_288;
/**
 * Messages and pings a second: a page that changes may complete all of its 50 subscriptions and open 50 others at once, and
 * there is room for what keeps the socket alive. Each may be as dear as a document that is refused: no more than needed.
 */
const MAX_MESSAGES = 120;
/** Bytes of messages and pings a second: room for fifty subscriptions of two kilobytes at once, and for one large message. */
const MAX_BYTES = 131_072;

/** Wraps an open socket. */
export function createConnection(socket: WebSocket, network: string): Connection {
  let received = 0;
  let receivedBytes = 0;
  let isAlive = true;
  const isOpen = () => socket.readyState === socket.OPEN;

  /** Whether the client keeps to its bounds; who does not is closed. */
  function isWithinBounds(data: Buffer): boolean {
    if (!isOpen()) return false;
    received += 1;
    receivedBytes += data.length;
    isAlive = true;
    if (received > MAX_MESSAGES || receivedBytes > MAX_BYTES) close(TOO_MANY_MESSAGES);
    // Replies to pings wait like everything else.
    else if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate();
    return isOpen();
  }

  function close({ code, reason }: Closing): void {
    socket.close(code, reason);
  }

  socket.on('ping', isWithinBounds);
  socket.on('pong', isWithinBounds);

  return {
    network,
    isOpen,
    close,
    terminate: () => socket.terminate(),
    async send(text) {
      if (!isOpen()) return;
      if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate();
      else await new Promise<void>((resolve) => socket.send(text, () => resolve()));
    },
    onMessage(listener) {
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (!isWithinBounds(data)) return;
        if (isBinary) close(BAD_MESSAGE);
        else listener(data.toString());
      });
    },
    onClose: (listener) => void socket.once('close', listener),
    renewBudget() {
      received = 0;
      receivedBytes = 0;
    },
    ping() {
      if (!isOpen()) return;
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
    },
  };
}
