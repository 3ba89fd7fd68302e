/**
 * Emits `close` on queued responses. Node emits none on a response that waits behind another one when their connection closes.
 * The log, the metrics and the drain wait for that event.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Makes every response of the server emit `close` exactly once. */
export function emitEveryClose(server: Server): void {
  const queues = new WeakMap<Socket, Set<ServerResponse>>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    if (response.socket) return;
    const queue = queues.get(socket) ?? queueOf(socket);
    queues.set(socket, queue);
    queue.add(response);
    response.once('close', () => queue.delete(response));
  });
}

function queueOf(socket: Socket): Set<ServerResponse> {
  const queue = new Set<ServerResponse>();
  // Node emits `close` on the response that owns the connection right after this event.
  socket.once('close', () => setImmediate(() => queue.forEach((response) => response.emit('close'))));
  return queue;
}
