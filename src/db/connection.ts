/** How connections to a real Postgres are made: by postgres.js, with a deadline on whatever the network does. */
import { connect, type Socket } from 'node:net';
import type { Options } from 'postgres';

export type ConnectionOptions = Options<Record<string, never>>;

/** Grace over the server's own timeout, which has the better error message. */
const NETWORK_GRACE_MS = 500;
/** Seconds between attempts to connect: postgres.js's own grow to twenty, which is how late a Postgres was used again. */
const FIRST_RETRY_S = 0.05;
const LAST_RETRY_S = 0.5;

/**
 * @param timeoutMs how long a statement may take
 * @param onDial gets every socket that is opened
 */
export function connectionOptions(timeoutMs: number, onDial: (socket: Socket) => void = () => undefined) {
  return {
    onnotice: () => undefined,
    connect_timeout: Math.max(1, Math.ceil(timeoutMs / 1000)),
    backoff: (failures: number) => Math.min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** failures),
    // postgres.js hands its parsed options to `socket`, which its types leave out.
    socket(parsed: ParsedOptions) {
      const socket = dial(parsed, timeoutMs + NETWORK_GRACE_MS);
      onDial(socket);
      return socket;
    },
    connection: {
      application_name: 'latchkey',
      statement_timeout: timeoutMs,
      idle_in_transaction_session_timeout: timeoutMs * 2,
    },
  } as ConnectionOptions;
}

interface ParsedOptions {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false | undefined;
}

/**
 * A connection that is destroyed when the server owes an answer and nothing arrives for `silenceMs`: a
 * half-open connection fails its query and rolls back its transaction instead of hanging for ever.
 * It is handed over before it is connected: a dial that failed by itself would be lost to postgres.js, which
 * tries again only after a socket that it saw close.
 */
function dial({ host, port, path }: ParsedOptions, silenceMs: number): Socket {
  const socket = path ? connect(path) : connect(port[0] ?? 5432, host[0] ?? 'localhost');
  let answeredUpTo = 0;
  socket.setTimeout(silenceMs);
  socket.on('data', () => (answeredUpTo = socket.bytesWritten));
  socket.on('timeout', () => {
    if (socket.connecting || socket.bytesWritten !== answeredUpTo) socket.destroy();
  });
  return socket;
}
