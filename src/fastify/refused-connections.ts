/**
 * Refuses input that never reaches routing: malformed and late requests, unsupported upgrades, CONNECT and unknown expectations.
 * The refusal is written after the responses to earlier requests on the connection (pipelining, RFC 9112, section 9.3.2).
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { clientAddress } from '../lib/client-address.js';
import { rawResponse, refusalBody, refusalHeaders, refusalOf, type Refusal } from './raw-response.js';

/** Time for a refused client to read the response, in milliseconds. Closing at once would reset the connection. */
const LINGER_MS = 1000;

export interface RefusedConnectionsOptions {
  /** Headers of every response. */
  readonly headers: Readonly<Record<string, string>>;
  readonly log: { info(fields: object, message: string): void };
}

export interface RefusedConnections {
  /** Whether a response on the connection is not complete yet. */
  isAnswering(socket: Duplex): boolean;
  /** Sends the refusal and closes the connection. Later refusals of the connection are ignored. */
  refuse(socket: Duplex, refusal: Refusal): void;
  /** Refuses input that Node's parser rejected. A connection reset gets no response and no log line. */
  refuseUnparsed(error: Error & { readonly code?: string }, socket: Duplex): void;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  isOpen: boolean;
}

/** Tracks the requests of a server, and refuses CONNECT and unknown expectations. */
export function refusedConnections(server: Server, { headers, log }: RefusedConnectionsOptions): RefusedConnections {
  const exchanges = new WeakMap<Duplex, Exchange[]>();
  const refused = new WeakSet<Duplex>();

  /** Logs a refusal. @returns the headers of its response */
  function logRefusal(status: number, socket: Duplex, reason: string): Record<string, string> {
    const requestId = randomUUID();
    const { remoteAddress } = socket as Duplex & { remoteAddress?: string };
    const ip = clientAddress(remoteAddress);
    log.info({ requestId, status, code: 'QUERY_REJECTED', reason, ip }, 'Refused a malformed or unsupported request');
    return { ...headers, 'x-request-id': requestId };
  }

  function refuse(socket: Duplex, refusal: Refusal, reason = refusal.message): void {
    if (refused.has(socket)) return;
    refused.add(socket);
    const all = exchanges.get(socket) ?? [];
    const last = all.at(-1);
    // Only the last request can be incomplete. Then it is the refused one.
    const refusedExchange = last && !last.request.complete ? last : undefined;
    const others = all.filter((exchange) => exchange.isOpen && exchange !== refusedExchange);
    let pending = others.length;
    const answer = (): void => {
      if (pending > 0) return;
      // The request has a response already. The client would take a second one for that of its next request.
      if (refusedExchange && (refusedExchange.response.headersSent || !refusedExchange.isOpen)) socket.destroy();
      else endWith(socket, () => rawResponse(refusal, logRefusal(refusal.status, socket, reason)));
    };
    for (const { response } of others) {
      response.once('close', () => {
        pending -= 1;
        answer();
      });
    }
    answer();
  }

  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const exchange = { request, response, isOpen: true };
    const earlier = exchanges.get(socket);
    // Usually the earlier requests of the connection have their responses.
    if (earlier?.length === 1 && !earlier[0]!.isOpen) earlier[0] = exchange;
    else exchanges.set(socket, [...(earlier ?? []).filter(({ isOpen }) => isOpen), exchange]);
    response.on('close', () => (exchange.isOpen = false));
  });
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuseDetached(socket, { status: 501, message: 'CONNECT is not supported.' });
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const refusal = { status: 417, message: 'Only Expect: 100-continue is supported.' };
    const body = refusalBody(refusal);
    const headersOfRefusal = logRefusal(refusal.status, request.socket, refusal.message);
    response.writeHead(refusal.status, refusalHeaders(body, headersOfRefusal)).end(body);
  });

  /** Refuses on a socket that Node no longer reads. */
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

/** Writes a last response if the connection is still writable, and closes the connection after LINGER_MS. */
export function endWith(socket: Duplex, text: () => string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(text());
  const lingering = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(lingering));
}
