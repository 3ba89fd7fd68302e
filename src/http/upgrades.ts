/**
 * Which requests to upgrade are taken: those for a WebSocket. All others are answered as if they had not asked, as RFC 9110
 * (section 7.8) has it; curl and Java's client ask for HTTP/2 on each request that is not encrypted.
 */
import { Server, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const ASKED_BY = new Set(['upgrade', 'http2-settings']);
const taken = new WeakSet<IncomingMessage>();

/** Whether a request is one to upgrade to a WebSocket: the header alone makes none, Node serves that like the rest. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return taken.has(request);
}

/** A server that never listens, and stands in for another where upgrades are waited for: it emits those for WebSockets. */
export function webSocketUpgrades(server: Server): Server {
  const upgrades = new Server();
  const isAnswering = answering(server);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Sent before the answer to the request ahead of it: Node has let go of the connection, whose order nobody keeps now.
    if (isAnswering(socket)) {
      socket.destroy();
      return;
    }
    if (request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket') {
      taken.add(request);
      upgrades.emit('upgrade', request, socket, head);
      return;
    }
    // Once anybody listens, Node stops reading HTTP at each such request, and before version 24.9 cannot be told not to.
    socket.unshift(Buffer.concat([plainRequest(request), head]));
    server.emit('connection', socket);
  });
  return upgrades;
}

/** Tells whether a connection has requests that are not answered yet. */
function answering(server: Server): (socket: Duplex) => boolean {
  const open = new WeakMap<Duplex, number>();
  const count = (socket: Duplex, change: 1 | -1) => open.set(socket, (open.get(socket) ?? 0) + change);
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    count(socket, 1);
    response.on('close', () => count(socket, -1));
  });
  return (socket) => (open.get(socket) ?? 0) > 0;
}

/** The request as it was sent, without the wish to upgrade. */
function plainRequest({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    if (name.toLowerCase() === 'connection') lines.push(`${name}: ${withoutUpgrade(value)}`);
    else if (!ASKED_BY.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Of what a `Connection` header names, the rest: whether it is to be kept, above all. */
function withoutUpgrade(value: string): string {
  const options = value.split(',').map((option) => option.replace(/^[ \t]+|[ \t]+$/g, ''));
  return options.filter((option) => !ASKED_BY.has(option.toLowerCase())).join(', ');
}
