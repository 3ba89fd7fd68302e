/**
 * Which requests with an `Upgrade` header are upgraded: those for a WebSocket. RFC 9110, section 7.8 lets a server ignore
 * the header, as curl and Java's client expect, which ask for HTTP/2 on plain connections. Node serves such requests as
 * plain HTTP from 22.21 and 24.9 on (`shouldUpgradeCallback`); older ones cannot, and answer 501.
 */
import { Server, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RefusedConnections } from './refused-connections.js';

/** The answer to other upgrades. */
export const UNSUPPORTED_UPGRADE = {
  status: 501,
  message: 'Only WebSocket upgrades are supported; send the request without Upgrade.',
};
const taken = new WeakSet<IncomingMessage>();

/** Whether a request was taken as the handshake of a WebSocket; the header alone does not make it one. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return taken.has(request);
}

/** Passes a handshake on to a server that never listens. */
export function takeUpgrade(upgrades: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  taken.add(request);
  upgrades.emit('upgrade', request, socket, head);
}

/** Whether a request asks for a WebSocket (RFC 6455, section 4.2.1). */
export function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Splits upgrades: handshakes of WebSockets are emitted on the returned server, which never listens, and all others are
 * refused. A handshake that is pipelined behind unanswered requests is refused after their answers.
 */
export function webSocketUpgrades(
  server: Server,
  connections: Pick<RefusedConnections, 'isAnswering' | 'refuse'>,
): Server {
  const upgrades = new Server();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!asksForWebSocket(request) || connections.isAnswering(socket)) {
      connections.refuse(socket, UNSUPPORTED_UPGRADE);
      return;
    }
    takeUpgrade(upgrades, request, socket, head);
  });
  return upgrades;
}
