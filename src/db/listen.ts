/**
 * Listening to a channel of a real Postgres, on a connection of its own that is replaced whenever it is lost. It is
 * asked something every now and then: a connection that is open at this end only would be silent for ever.
 */
import { connectionTemplate, openConnection, type Connection } from './connection.js';
import type { Listener, Listening } from './database.js';
import { withDeadline } from './deadline.js';

export interface ListenOptions extends Listener {
  readonly url: string;
  readonly channel: string;
  /** How often the connection is asked whether it lives, and how long it may take to answer; milliseconds. */
  readonly heartbeatMs?: number;
  readonly answerMs?: number;
}

/** A lost connection is noticed after four seconds at most; twice that is under the ten in which all is to be well. */
const HEARTBEAT_MS = 2_000;
const ANSWER_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/** Listens until it is closed, however often the connection is lost. */
export function listenOnPostgres(options: ListenOptions): Listening {
  let session: Connection | undefined;
  let retry: NodeJS.Timeout | undefined;
  let failures = 0;
  let closed = false;

  const open = (): void => {
    session = openSession(options, {
      onListening() {
        failures = 0;
        options.onConnection(true);
      },
      onEnd(wasListening) {
        if (wasListening) options.onConnection(false);
        if (closed) return;
        retry = setTimeout(open, Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures)).unref();
        failures += 1;
      },
    });
  };
  open();
  return {
    async close() {
      closed = true;
      clearTimeout(retry);
      session?.discard();
    },
  };
}

interface SessionEvents {
  onListening(): void;
  onEnd(wasListening: boolean): void;
}

/** One connection, until it is lost or ended. */
function openSession(options: ListenOptions, { onListening, onEnd }: SessionEvents): Connection {
  const { url, channel, onMessage, heartbeatMs = HEARTBEAT_MS, answerMs = ANSWER_MS } = options;
  let timer: NodeJS.Timeout | undefined;
  let listening = false;

  const connection = openConnection(connectionTemplate({ url, timeoutMs: answerMs }), {
    onNotification: onMessage,
    onEnd() {
      clearTimeout(timer);
      onEnd(listening);
    },
  });
  const ask = (statement: string) => withDeadline<unknown>(connection.client.unsafe(statement), answerMs);
  const beat = (): void => {
    timer = setTimeout(() => void ask('select 1').then(beat, connection.discard), heartbeatMs).unref();
  };
  ask(`listen "${channel}"`).then(() => {
    if (connection.isLost()) return;
    listening = true;
    onListening();
    beat();
  }, connection.discard);
  return connection;
}
