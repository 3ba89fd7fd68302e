/**
 * Which requests to upgrade are taken: those for a WebSocket. All others are answered as if they had not asked, as RFC 9110
 * (section 7.8) has it; curl and Java's client ask for HTTP/2 on each request that is not encrypted.
 */
import { Server, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const ASKED_BY = new Set(['upgrade', 'http2-settings', 'connection']);

/** A server that never listens, and stands in for another where upgrades are waited for: it emits those for WebSockets. */
export function webSocketUpgrades(server: Server): Server {
  const upgrades = new Server();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') {
      upgrades.emit('upgrade', request, socket, head);
      return;
    }
    // Once anybody listens, Node stops reading HTTP at each such request, and before version 24.9 cannot be told not to.
    socket.unshift(Buffer.concat([plainRequest(request), head]));
    server.emit('connection', socket);
  });
  return upgrades;
}

/** The request as it was sent, without the wish to upgrade. */
function plainRequest({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (!ASKED_BY.has(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[index + 1]!}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
