/**
 * Listens on a channel of a Postgres server, on a dedicated connection that reconnects automatically. A heartbeat detects half-open
 * connections, which would stay silent otherwise.
 */
import { parseDatabaseUrl, type DatabaseAddress } from '../config/database-url.js';
import { createClient, type Client } from './client.js';
import type { Listener, Listening } from './database.js';
import { withDeadline } from './deadline.js';

export interface ListenOptions extends Listener {
  readonly url: string;
  readonly channel: string;
  /** Interval of the heartbeat, and timeout for its response; milliseconds. */
  readonly heartbeatMs?: number;
  readonly answerMs?: number;
}

/** An outage is noticed after at most four seconds. */
const HEARTBEAT_MS = 2_000;
const ANSWER_MS = 2_000;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/** Listens until closed and reconnects as often as needed. @throws DatabaseUrlError */
export function listenOnPostgres({ url, ...options }: ListenOptions): Listening {
  const address = parseDatabaseUrl(url);
  let session: Client | undefined;
  let retry: NodeJS.Timeout | undefined;
  let failures = 0;
  let closed = false;

  const open = (): void => {
    // Tries the hosts of the URL in turn.
    const host = address.hosts[failures % address.hosts.length]!;
    session = openSession(address, host, options, {
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
      session?.destroy();
    },
  };
}

interface SessionEvents {
  onListening(): void;
  onEnd(wasListening: boolean): void;
}

/** Listens on one connection until it ends. */
function openSession(
  address: DatabaseAddress,
  host: DatabaseAddress['hosts'][number],
  { channel, onMessage, heartbeatMs = HEARTBEAT_MS, answerMs = ANSWER_MS }: Omit<ListenOptions, 'url'>,
  { onListening, onEnd }: SessionEvents,
): Client {
  let timer: NodeJS.Timeout | undefined;
  let listening = false;
  const client = createClient({
    address,
    host,
    timeoutMs: answerMs,
    settings: {},
    onEnd() {
      clearTimeout(timer);
      onEnd(listening);
    },
  });
  const listen = (to: string, onNotification: (payload: string) => void) =>
    withDeadline(client.sql.listen(to, onNotification), answerMs);
  /** Heartbeat with LISTEN and UNLISTEN: postgres.js runs no other statements on a listening connection. */
  const ask = async (): Promise<void> => {
    const { unlisten } = await listen(`${channel}_heartbeat`, () => undefined);
    await withDeadline(unlisten(), answerMs);
  };
  const beat = (): void => {
    timer = setTimeout(() => void ask().then(beat, client.destroy), heartbeatMs).unref();
  };
  listen(channel, onMessage).then(() => {
    if (client.isLost()) return;
    listening = true;
    onListening();
    beat();
  }, client.destroy);
  return client;
}
