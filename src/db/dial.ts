/**
 * The stream to a server: TCP or a Unix socket, with TLS on top where it is asked for. postgres.js takes it as its
 * documented "custom socket", complete, and does no TLS of its own: so its end is ours to see and to bring about, and a
 * server that hangs up is dialled as often as we want, where postgres.js would dial without a pause.
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
 * @param signal ends what was begun
 * @throws the system's error, TLS's, or one with the code `TLS_NOT_OFFERED` or `SERVER_HUNG_UP`
 */
export async function dial({ host, port, path }: Host, tls: Tls, signal: AbortSignal): Promise<Socket> {
  const socket = path === undefined ? connect({ host, port, noDelay: true }) : connect(path);
  // Whoever waits for it gets the error; one that comes while nobody waits must not end the process.
  socket.on('error', () => undefined);
  try {
    await waitFor(socket, 'connect', signal);
    // As in libpq, nothing is encrypted within the machine.
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
  // Anything behind the answer was put there by somebody in between (CVE-2021-23222).
  if (text !== ACCEPTED) throw connectionError('SERVER_HUNG_UP', 'the server did not answer as Postgres does');
  const { mode, ...files } = tls;
  const secured = connectTls({
    ...files,
    socket,
    // A name only (RFC 6066 section 3).
    ...(isIP(host) ? {} : { servername: host }),
    host,
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-full',
    // Node asks this once the chain is verified.
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

/** Waits for an event, unless the socket comes to its end before; returns what comes with it. */
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
