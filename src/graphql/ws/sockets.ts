/** All sockets of this process: how many there may be, whether their clients still live, and how they end with it. */
import { AppError, serviceUnavailable } from '../../lib/errors.js';
import { GOING_AWAY } from './closings.js';
import type { Connection } from './connection.js';

export interface SocketsOptions {
  /** In all. */
  readonly max: number;
  /** From one network. */
  readonly maxPerNetwork: number;
  /** The beat of everything here, in milliseconds; a second, but for tests. */
  readonly tickMs?: number;
}

export interface Sockets {
  /** @throws AppError SERVICE_UNAVAILABLE while the process ends or is full, RATE_LIMIT_EXCEEDED for a network's limit */
  assertRoom(network: string): void;
  /** Keeps an open socket until it closes. */
  add(connection: Connection): void;
  count(): number;
  /** Closes all that there are and refuses all that come. */
  drain(): void;
  /** Stops the beat. */
  close(): void;
}

const TICK_MS = 1000;
/** Two of these without a sign of life are the end; common proxies drop what is silent for 60 s. */
const PING_EVERY_TICKS = 15;
/** How long a closed client has to answer before it is cut off; part of the time in which the process must end. */
const DRAIN_MS = 1000;
const RETRY_AFTER_S = 60;

export function createSockets({ max, maxPerNetwork, tickMs = TICK_MS }: SocketsOptions): Sockets {
  /** With the tick of each that asks for a sign of life: a few at a time, so that thousands are not asked at once. */
  const open = new Map<Connection, number>();
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
      connection.renewBudget();
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
      // It was let in while the draining began.
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
