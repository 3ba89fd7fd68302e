/**
 * Opens the stream to a server: TCP or a Unix socket, with TLS if configured. It is passed to postgres.js as a "custom socket", so that
 * this code controls when the connection is closed and retried; postgres.js would reconnect without a delay.
 */
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Host } from '../config/database-url.js';
import type { Tls } from '../config/database-tls.js';

/** PostgreSQL, "Message Formats": SSLRequest. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const ACCEPTED = 'S';
const DECLINED = 'N';

/**
 * Connects to a server.
 * @param signal aborts connecting
 * @throws the error of the system or of TLS, or one with the code `TLS_NOT_OFFERED` or `SERVER_HUNG_UP`
 */
export async function dial({ host, port, path }: Host, tls: Tls, signal: AbortSignal): Promise<Socket> {
  const socket = path === undefined ? connect({ host, port, noDelay: true }) : connect(path);
  // Callers get the error from `waitFor`. This listener prevents an unhandled 'error' event.
  socket.on('error', () => undefined);
  try {
    await waitFor(socket, 'connect', signal);
    // As in libpq, Unix sockets do not use TLS.
    if (tls.mode === 'disable' || path !== undefined) return socket;
    return await secure(socket, host, tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function secure(socket: Socket, host: string, tls: Tls, signal: AbortSignal): Promise<Socket> {
  socket.write(SSL_REQUEST);
  const answer = (await waitFor(socket, 'data', signal)) as Buffer;
  const text = answer.toString('latin1');
  if (text === DECLINED) {
    if (tls.mode === 'prefer') return socket;
    throw connectionError('TLS_NOT_OFFERED', 'the server offers no TLS');
  }
  // Additional data after the response was injected by an attacker (CVE-2021-23222).
  if (text !== ACCEPTED) throw connectionError('SERVER_HUNG_UP', 'the server did not answer as Postgres does');
  const { mode, ...files } = tls;
  const secured = connectTls({
    ...files,
    socket,
    // SNI allows names only (RFC 6066 section 3).
    ...(isIP(host) ? {} : { servername: host }),
    host,
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-full',
    // verify-ca verifies the chain but not the host name.
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  });
  secured.on('error', () => undefined);
  try {
    await waitFor(secured, 'secureConnect', signal);
    return secured;
  } catch (error) {
    secured.destroy();
    throw error;
  }
}

/** Waits for an event and returns its argument. @throws Error if the socket closes first */
async function waitFor(socket: Socket, event: string, signal: AbortSignal): Promise<unknown> {
  const over = new AbortController();
  const either = { signal: AbortSignal.any([signal, over.signal]) };
  try {
    const [argument] = (await Promise.race([
      once(socket, event, either),
      once(socket, 'close', either).then(() => {
        throw connectionError('SERVER_HUNG_UP', 'the server closed the connection at once');
      }),
    ])) as unknown[];
    return argument;
  } finally {
    over.abort();
  }
}

function connectionError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
