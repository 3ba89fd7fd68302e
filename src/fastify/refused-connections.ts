/**
 * Refuses connections whose bytes cannot become a request: malformed or late ones, unwanted upgrades, CONNECT. Requests
 * that were read before keep their answers: the refusal is written after them, as pipelining requires (RFC 9112, 9.3.2).
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { clientAddress } from '../lib/client-address.js';
import { rawAnswer, refusalBody, refusalHeaders, refusalOf, type Refusal } from './raw-answer.js';

/** How long a refused client may take to read the answer, in milliseconds. Closing at once would reset the connection. */
const LINGER_MS = 1000;

export interface RefusedConnectionsOptions {
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: { info(fields: object, message: string): void };
}

export interface RefusedConnections {
  /** Whether requests of the connection have no complete answer yet. */
  isAnswering(socket: Duplex): boolean;
  /** Answers and closes. The first refusal of a connection counts. */
  refuse(socket: Duplex, refusal: Refusal): void;
  /** Refuses what Node's parser rejected. The peer is gone after a reset; that is not logged. */
  refuseUnparsed(error: Error & { readonly code?: string }, socket: Duplex): void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  isOpen: boolean;
}

/** Follows a server's requests, and answers CONNECT and unknown expectations. */
export function refusedConnections(server: Server, { headers, log }: RefusedConnectionsOptions): RefusedConnections {
  const exchanges = new WeakMap<Duplex, Exchange[]>();
  const refused = new WeakSet<Duplex>();

  function note(status: number, socket: Duplex, reason: string): Record<string, string> {
    const requestId = randomUUID();
    const { remoteAddress } = socket as Duplex & { remoteAddress?: string };
    const ip = clientAddress(remoteAddress);
    log.info({ requestId, status, code: 'QUERY_REJECTED', reason, ip }, 'request refused');
    return { ...headers, 'x-request-id': requestId };
  }

  function refuse(socket: Duplex, refusal: Refusal, reason = refusal.message): void {
    if (refused.has(socket)) return;
    refused.add(socket);
    const all = exchanges.get(socket) ?? [];
    const last = all.at(-1);
    // Only the last one can be incomplete, and then it is the one that is refused.
    const own = last && !last.request.complete ? last : undefined;
    const others = all.filter((exchange) => exchange.isOpen && exchange !== own);
    let left = others.length;
    const answer = (): void => {
      if (left > 0) return;
      // An answer to it has begun, or was sent before its body ended: a second one would be read as the next request's.
      if (own && (own.response.headersSent || !own.isOpen)) socket.destroy();
      else endWith(socket, () => rawAnswer(refusal, note(refusal.status, socket, reason)));
    };
    for (const { response } of others) {
      response.once('close', () => {
        left -= 1;
        answer();
      });
    }
    answer();
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const exchange = { request, response, isOpen: true };
    const open = (exchanges.get(socket) ?? []).filter(({ isOpen }) => isOpen);
    exchanges.set(socket, [...open, exchange]);
    response.once('close', () => (exchange.isOpen = false));
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuseDetached(socket, { status: 501, message: 'CONNECT is not supported.' });
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const refusal = { status: 417, message: 'Only Expect: 100-continue is supported.' };
    const body = refusalBody(refusal);
    const all = note(refusal.status, request.socket, refusal.message);
    response.writeHead(refusal.status, refusalHeaders(body, all)).end(body);
  });

  /** For sockets that Node no longer reads. */
  function refuseDetached(socket: Duplex, refusal: Refusal): void {
    socket.on('error', () => socket.destroy());
    socket.resume();
    refuse(socket, refusal);
  }

  return {
    isAnswering: (socket) => (exchanges.get(socket) ?? []).some(({ isOpen }) => isOpen),
    refuse: refuseDetached,
    refuseUnparsed(error, socket) {
      if (!socket.writable || error.code === 'ECONNRESET' || error.code === 'EPIPE') socket.destroy();
      else refuse(socket, refusalOf(error.code), error.code);
    },
  };
}

/** Writes a last answer, unless the connection cannot take one, and closes it once the client has had time to read. */
export function endWith(socket: Duplex, text: () => string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(text());
  const lingering = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(lingering));
}
