/** One WebSocket with limits on what a client may send and on what may be buffered for it. */
import type { WebSocket } from '@fastify/websocket';
import { BAD_MESSAGE, TOO_MANY_MESSAGES, type CloseReason } from './close-codes.js';

export interface Socket {
  /** The network that sockets are counted by: the IP address, for IPv6 its /64. */
  readonly network: string;
  isOpen(): boolean;
  /** Closes with a reason; the first call counts. Nothing is sent or read afterwards. */
  close(closing: CloseReason): void;
  /** Destroys the connection without a close frame. */
  terminate(): void;
  /** Resolves when the text was written or the socket has closed, so that senders wait for slow readers. */
  send(text: string): Promise<void>;
  /** Calls `listener` with each text message within the limits. */
  onMessage(listener: (text: string) => void): void;
  /** Calls `listener` with the code (RFC 6455 section 7.4) once the socket has closed. */
  onClose(listener: (code: number) => void): void;
  /** Must be called each second: resets the message limits. */
  resetLimits(): void;
  /** Sends a ping; destroys the connection if the client has sent nothing since the last one. */
  ping(): void;
}

/**
 * The largest send buffer, in bytes. Each subscription waits until its last message is written, so at most 50 messages wait for a
 * client that reads; above this limit the client does not read.
 */
const MAX_BUFFERED = 524_288;
/**
 * Messages and pings per second: enough to complete 50 subscriptions and open 50 others at once. Each message may cost as much as
 * a refused document, so the limit is no higher than that.
 */
const MAX_MESSAGES = 120;
/** Bytes of messages and pings per second: enough for fifty subscriptions of two kilobytes, or one large message. */
const MAX_BYTES = 131_072;

/** Wraps an open socket. */
export function createSocket(socket: WebSocket, network: string): Socket {
  let received = 0;
  let receivedBytes = 0;
  let isAlive = true;
  const isOpen = () => socket.readyState === socket.OPEN;

  /** Counts a message, and closes the socket if a limit is exceeded. */
  function isWithinLimits(data: Buffer): boolean {
    if (!isOpen()) return false;
    received += 1;
    receivedBytes += data.length;
    isAlive = true;
    if (received > MAX_MESSAGES || receivedBytes > MAX_BYTES) close(TOO_MANY_MESSAGES);
    // Pongs are buffered as well.
    else if (socket.bufferedAmount > MAX_BUFFERED) socket.terminate();
    return isOpen();
  }

  function close({ code, reason }: CloseReason): void {
    socket.close(code, reason);
  }

  socket.on('ping', isWithinLimits);
  socket.on('pong', isWithinLimits);

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
        if (!isWithinLimits(data)) return;
        if (isBinary) close(BAD_MESSAGE);
        else listener(data.toString());
      });
    },
    onClose: (listener) => void socket.once('close', listener),
    resetLimits() {
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
