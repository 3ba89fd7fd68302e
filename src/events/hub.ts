/** Hands what arrives on to those in this process who listen. */
import type { AccountEvent, Events } from './events.js';
import { decodeEvent } from './message.js';

export interface EventsLog {
  info(message: string): void;
  warn(fields: object, message: string): void;
}

export interface Hub extends Pick<Events, 'listen' | 'connected' | 'onConnection'> {
  /** A message from outside; one that is no event is ignored. */
  receive(text: string): void;
  setConnected(connected: boolean): void;
  /** Something may have been missed though the connection stands: all who listen are told as if it had not. */
  missed(): void;
}

export function createHub(log: EventsLog): Hub {
  const listeners = new Set<(event: AccountEvent) => void>();
  const connectionListeners = new Set<(connected: boolean) => void>();
  let connected = false;
  let malformedIsTold = false;

  /** One that fails is no reason for the others to miss it. */
  function tell<T>(all: ReadonlySet<(value: T) => void>, value: T): void {
    for (const listener of all) {
      try {
        listener(value);
      } catch (err) {
        log.warn({ err }, 'A listener to events failed');
      }
    }
  }

  function setConnected(now: boolean): void {
    if (now === connected) return;
    connected = now;
    tell(connectionListeners, now);
  }

  return {
    receive(text) {
      const event = decodeEvent(text);
      if (event) tell(listeners, event);
      else if (!malformedIsTold) {
        malformedIsTold = true;
        log.warn({ length: text.length }, 'A message among the events is none; it and others like it are ignored');
      }
    },
    setConnected,
    missed() {
      if (!connected) return;
      setConnected(false);
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
      const own = (now: boolean): void => listener(now);
      connectionListeners.add(own);
      return () => void connectionListeners.delete(own);
    },
  };
}
