/** All sockets of this process: their limits, keep-alive pings and shutdown. */
import { AppError, serviceUnavailable } from '../../lib/errors.js';
import { GOING_AWAY } from './close-codes.js';
import type { Socket } from './socket.js';

export interface SocketsOptions {
  /** In total. */
  readonly max: number;
  /** From one network. */
  readonly maxPerNetwork: number;
  /** The interval of the timer, in milliseconds; only tests change it. */
  readonly tickMs?: number;
}

export interface Sockets {
  /** @throws AppError SERVICE_UNAVAILABLE during shutdown or at the total limit, RATE_LIMIT_EXCEEDED at the limit of a network */
  assertRoom(network: string): void;
  /** Tracks an open socket until it closes. */
  add(connection: Socket): void;
  count(): number;
  /** Closes all sockets and refuses new ones. */
  drain(): void;
  /** Stops the timer. */
  close(): void;
}

const TICK_MS = 1000;
/** A socket closes after two unanswered pings. Common proxies drop connections that are silent for 60 s. */
const PING_EVERY_TICKS = 15;
/** How long a client may take to answer the close frame; part of the shutdown timeout. */
const DRAIN_MS = 1000;
const RETRY_AFTER_S = 60;

export function createSockets({ max, maxPerNetwork, tickMs = TICK_MS }: SocketsOptions): Sockets {
  /** Open sockets with the tick at which each is pinged, so that thousands are not pinged at once. */
  const open = new Map<Socket, number>();
  const perNetwork = new Map<string, number>();
  let isDraining = false;

  function count(network: string, change: 1 | -1): void {
    const now = (perNetwork.get(network) ?? 0) + change;
    if (now > 0) perNetwork.set(network, now);
    else perNetwork.delete(network);
  }

  let added = 0;
  let ticks = 0;
  const timer = setInterval(() => {
    ticks = (ticks + 1) % PING_EVERY_TICKS;
    for (const [connection, turn] of open) {
      connection.resetLimits();
      if (turn === ticks) connection.ping();
    }
  }, tickMs);
  timer.unref();

  return {
    assertRoom(network) {
      if (isDraining) throw serviceUnavailable('The server is going away.');
      if (open.size >= max) throw serviceUnavailable('Too many sockets are open.', RETRY_AFTER_S);
      if ((perNetwork.get(network) ?? 0) >= maxPerNetwork) {
        const details = { retryAfter: RETRY_AFTER_S };
        throw new AppError('RATE_LIMIT_EXCEEDED', `Over ${maxPerNetwork} sockets are open from this address.`, details);
      }
    },

    add(connection) {
      added += 1;
      open.set(connection, added % PING_EVERY_TICKS);
      count(connection.network, 1);
      connection.onClose(() => {
        open.delete(connection);
        count(connection.network, -1);
      });
      // It was accepted while draining began.
      if (isDraining) connection.close(GOING_AWAY);
    },

    count: () => open.size,

    drain() {
      isDraining = true;
      for (const connection of open.keys()) connection.close(GOING_AWAY);
      setTimeout(() => {
        for (const connection of open.keys()) connection.terminate();
      }, DRAIN_MS).unref();
    },

    close() {
      clearInterval(timer);
    },
  };
}
