/**
 * Upgrades connections to WebSocket only. A server may ignore other `Upgrade` headers (RFC 9110, section 7.8): curl and Java's client
 * offer HTTP/2 on plain connections. Node serves such requests as plain HTTP from 22.21 and 24.9 on (`shouldUpgradeCallback`);
 * older versions answer 501.
 */
import { Server, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RefusedConnections } from './refused-connections.js';

/** The refusal of other upgrades. */
export const UNSUPPORTED_UPGRADE = {
  status: 501,
  message: 'Only WebSocket upgrades are supported; send the request without Upgrade.',
};
const taken = new WeakSet<IncomingMessage>();

/** Whether `takeUpgrade` accepted the request. A request with the header alone may be served as plain HTTP. */
export function isWebSocketUpgrade(request: IncomingMessage): boolean {
  return taken.has(request);
}

/** Passes a handshake to `upgrades`, a server that never listens. */
export function takeUpgrade(upgrades: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  taken.add(request);
  upgrades.emit('upgrade', request, socket, head);
}

/** Whether a request is a WebSocket opening handshake (RFC 6455, section 4.2.1). */
export function isWebSocketHandshake({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Emits the WebSocket handshakes of a server on the returned server, which never listens, and refuses all other upgrades. A
 * handshake that is pipelined behind requests without a response is refused after those responses.
 */
export function webSocketUpgrades(
  server: Server,
  connections: Pick<RefusedConnections, 'isAnswering' | 'refuse'>,
): Server {
  const upgrades = new Server();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (!isWebSocketHandshake(request) || connections.isAnswering(socket)) {
      connections.refuse(socket, UNSUPPORTED_UPGRADE);
      return;
    }
    takeUpgrade(upgrades, request, socket, head);
  });
  return upgrades;
}
