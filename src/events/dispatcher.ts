/** Dispatches received events to the listeners in this process. */
import type { AccountEvent, ConnectionListener, Events } from './events.js';
import { decodeEvent } from './message.js';

export interface EventsLog {
  info(message: string): void;
  warn(fields: object, message: string): void;
}

export interface EventDispatcher extends Pick<Events, 'listen' | 'connected' | 'onConnection'> {
  /** Handles a received message. Ignores malformed ones. */
  receive(text: string): void;
  setConnected(connected: boolean): void;
  /**
   * Reports an outage to the connection listeners, although the connection is up: events may have been lost.
   * @param since start of the loss, in milliseconds since the epoch
   */
  reportLoss(since: number): void;
}

export function createEventDispatcher(log: EventsLog): EventDispatcher {
  const listeners = new Set<(event: AccountEvent) => void>();
  const connectionListeners = new Set<ConnectionListener>();
  let connected = false;
  let malformedLogged = false;

  /** Calls all listeners, even if one throws. */
  function notify<T extends unknown[]>(all: ReadonlySet<(...values: T) => void>, ...values: T): void {
    for (const listener of all) {
      try {
        listener(...values);
      } catch (err) {
        log.warn({ err }, 'Event listener failed');
      }
    }
  }

  function setConnected(now: boolean, lostSince?: number): void {
    if (now === connected) return;
    connected = now;
    notify(connectionListeners, now, lostSince);
  }

  return {
    receive(text) {
      const event = decodeEvent(text);
      if (event) notify(listeners, event);
      else if (!malformedLogged) {
        malformedLogged = true;
        log.warn({ length: text.length }, 'Ignored a malformed event message; further ones are not logged');
      }
    },
    setConnected: (now) => setConnected(now),
    reportLoss(since) {
      // Listeners know of the outage, but its start may be earlier.
      if (!connected) return notify(connectionListeners, false, since);
      setConnected(false, since);
      setConnected(true);
    },
    listen(listener) {
      // Wraps the listener, because the same function may be added twice.
      const own = (event: AccountEvent): void => listener(event);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    connected: () => connected,
    onConnection(listener) {
      const own: ConnectionListener = (...change) => listener(...change);
      connectionListeners.add(own);
      return () => void connectionListeners.delete(own);
    },
  };
}
