/**
 * Every response ends: what is counted, logged or waited for until then must not wait for ever. Node tells the end of none
 * that is still queued behind another one on its connection when that is closed, as after an answer that closes it.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Has a server's responses emit `close` in that case as well; each emits it once. */
export function tellEveryEnd(server: Server): void {
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
  // Node tells the end of the one that has the connection just after this.
  socket.once('close', () => setImmediate(() => queue.forEach((response) => response.emit('close'))));
  return queue;
}
