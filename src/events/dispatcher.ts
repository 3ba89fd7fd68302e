/** Hands what arrives on to those in this process who listen. */
import type { AccountEvent, ConnectionListener, Events } from './events.js';
import { decodeEvent } from './message.js';

export interface EventsLog {
  info(message: string): void;
  warn(fields: object, message: string): void;
}

export interface EventDispatcher extends Pick<Events, 'listen' | 'connected' | 'onConnection'> {
  /** A message from outside; one that is no event is ignored. */
  receive(text: string): void;
  setConnected(connected: boolean): void;
  /**
   * Something may have been missed though the connection stands: all who listen are told as if it had not.
   * @param since from when on, in milliseconds since the epoch
   */
  reportLoss(since: number): void;
}

export function createEventDispatcher(log: EventsLog): EventDispatcher {
  const listeners = new Set<(event: AccountEvent) => void>();
  const connectionListeners = new Set<ConnectionListener>();
  let connected = false;
  let malformedLogged = false;

  /** One that fails is no reason for the others to miss it. */
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
      // Who is told of a loss already may not know that it began earlier.
      if (!connected) return notify(connectionListeners, false, since);
      setConnected(false, since);
      setConnected(true);
    },
    listen(listener) {
      // A function of its own: the same listener may come twice.
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
