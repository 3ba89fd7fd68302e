/**
 * Shares the WebSocket handshakes of a server with other listeners. Node emits each `upgrade` to every listener, and those of `ws`
 * and @fastify/websocket accept or refuse all paths. So handshakes for a claimed path are withheld from the other listeners,
 * and the rest reach them unchanged.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { rawResponse } from './raw-response.js';
import { endWith } from './refused-connections.js';
import { isWebSocketHandshake, takeUpgrade, UNSUPPORTED_UPGRADE } from './upgrades.js';

type Claims = Map<string, Server>;

const claimsOf = new WeakMap<Server, Claims>();

/**
 * Claims a path of a server.
 * @param path without a query, e.g. `/auth/graphql`
 * @param upgrades a server that never listens and emits `upgrade` for the handshakes
 * @returns a function that releases the path
 */
export function claimUpgrades(server: Server, path: string, upgrades: Server): () => void {
  const claims = claimsOf.get(server) ?? intercept(server);
  claims.set(path, upgrades);
  return () => void claims.delete(path);
}

/** Node has it from 22.21 and 24.9 on, its types not yet; see `upgrades.ts`. */
interface DecidingServer {
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
}

function intercept(server: Server & DecidingServer): Claims {
  const claims: Claims = new Map();
  claimsOf.set(server, claims);
  const claimOf = ({ url = '' }: IncomingMessage) => claims.get(pathOf(url));
  const emit = server.emit.bind(server) as (event: string | symbol, ...args: unknown[]) => boolean;
  const intercepted = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'upgrade') return emit(event, ...args);
    const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
    const upgrades = claimOf(request);
    if (!upgrades) return emit(event, ...args);
    if (isWebSocketHandshake(request)) takeUpgrade(upgrades, request, socket, head);
    else refuse(socket);
    return true;
  };
  Object.assign(server, { emit: intercepted });
  const decide = server.shouldUpgradeCallback?.bind(server);
  if (decide) {
    // No listener is added: a server without one serves requests with an `Upgrade` header as plain HTTP.
    server.shouldUpgradeCallback = (request) => (claimOf(request) ? isWebSocketHandshake(request) : decide(request));
    return claims;
  }
  // Older versions emit `upgrade` only if there is a listener. If this is the only one, nothing else refuses the request.
  server.on('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    if (server.listenerCount('upgrade') === 1) refuse(socket);
  });
  return claims;
}

/**
 * The path that Fastify's router finds for a request target: without the origin of the absolute form (RFC 9112, section 3.2.2),
 * without the query, and decoded. Empty for a malformed one.
 */
function pathOf(target: string): string {
  try {
    return decodeURI(target.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*/, ''));
  } catch {
    return '';
  }
}

function refuse(socket: Duplex): void {
  socket.on('error', () => socket.destroy());
  socket.resume();
  endWith(socket, () => rawResponse(UNSUPPORTED_UPGRADE, {}));
}
