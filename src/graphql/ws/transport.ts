/** GraphQL over WebSocket: accepts or refuses handshakes, and serves open sockets. */
import type { Server } from 'node:http';
import websocket, { type WebSocket } from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import { GRAPHQL_TRANSPORT_WS_PROTOCOL } from 'graphql-ws';
import { clientOf } from '../../fastify/client.js';
import type { ClientInfo } from '../../lib/client-info.js';
import { AppError } from '../../lib/errors.js';
import { answerHandshakes } from './handshakes.js';
import { isWebSocketUpgrade } from '../../fastify/upgrades.js';
import type { RequestCredentials } from '../../authn/strategy.js';
import type { GraphqlContext } from '../context.js';
import type { PrepareDocument } from '../documents/documents.js';
import type { ScopeRequirement } from '../directives/gates.js';
import { refuse } from '../http/response.js';
import { JSON_RESPONSE } from '../http/media-type.js';
import { createSocket } from './socket.js';
import { handleConnection } from './handle-connection.js';
import type { SocketSession, SocketSessions } from './socket-session.js';
import { createSharedSubscribe } from './shared-execution.js';
import type { Sockets } from './sockets.js';

export interface LiveOptions {
  /** Origins whose pages may open sockets. Clients that are no browser send no Origin. */
  readonly origins: readonly string[];
  readonly sockets: Sockets;
  /** Emits `upgrade` for each handshake to serve. */
  readonly upgrades: Server;
  readonly socketSessions: Pick<SocketSessions, 'open'>;
  /**
   * Charges a subscribe message, and the requests that its document counts as, to the limit of the account.
   * @param upgrade the request that opened the socket
   * @throws AppError RATE_LIMIT_EXCEEDED
   */
  charge(upgrade: FastifyRequest, userId: string, requests: number): Promise<void>;
  /** The credentials in the payload of `connection_init`. */
  credentialsOf(params: Readonly<Record<string, unknown>> | undefined): RequestCredentials;
  /** Creates the context of a subscription, which reports the scopes that it requires. */
  createContext(
    client: ClientInfo,
    session: SocketSession,
    onRequire: (requirements: readonly ScopeRequirement[]) => void,
  ): GraphqlContext;
}

export interface TransportOptions extends LiveOptions {
  readonly schema: GraphQLSchema;
  readonly prepare: PrepareDocument;
}

/** In bytes. More than the default limit of HTTP requests, which leaves room for a token with many scopes. */
const MAX_PAYLOAD = 65_536;
/** How long a client may take to answer a close frame. */
const CLOSE_TIMEOUT_MS = 5000;

/** An option that the types of `ws` do not have yet. */
const CLOSING = { closeTimeout: CLOSE_TIMEOUT_MS };

/** Serves WebSocket upgrades. Returns the hook and the handler for the route. */
export async function serveSockets(app: FastifyInstance, options: TransportOptions) {
  const { origins, sockets, upgrades, socketSessions, charge, credentialsOf, createContext, schema, prepare } = options;
  const allowed = new Set(origins);
  const subscribe = createSharedSubscribe();
  await app.register(websocket, {
    options: {
      ...CLOSING,
      server: upgrades,
      maxPayload: MAX_PAYLOAD,
      perMessageDeflate: false,
      handleProtocols: () => GRAPHQL_TRANSPORT_WS_PROTOCOL,
    },
    preClose(done) {
      sockets.drain();
      done();
    },
    // The client sent an invalid or too large frame. `ws` closes the socket with the code for it.
    errorHandler: (error, _socket, request) => request.log.info({ err: error }, 'A WebSocket sent an invalid frame'),
  });
  answerHandshakes(app);
  app.addHook('onClose', async () => sockets.close());
  // @fastify/websocket does not close the connections of upgrades that earlier hooks refused, such as a rate limit.
  app.addHook('onResponse', async ({ raw }) => {
    if (isWebSocketUpgrade(raw)) raw.socket.destroy();
  });

  /** Checks the handshake before the upgrade, so that a refused one opens no socket. */
  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    if (!request.ws) return undefined;
    const { origin, 'sec-websocket-protocol': offered = '' } = request.headers;
    if (origin !== undefined && !allowed.has(origin)) {
      return refuse(request, reply.code(403), JSON_RESPONSE, 'Sockets are for pages of PUBLIC_URL and CORS_ORIGINS.');
    }
    const protocols = offered.split(',').map((name) => name.trim());
    if (!protocols.includes(GRAPHQL_TRANSPORT_WS_PROTOCOL)) {
      throw new AppError('QUERY_REJECTED', `Sockets speak the subprotocol ${GRAPHQL_TRANSPORT_WS_PROTOCOL} only.`);
    }
    sockets.assertRoom(clientOf(request).network);
    return undefined;
  }

  function serve(socket: WebSocket, request: FastifyRequest): void {
    const client = clientOf(request);
    const connection = createSocket(socket, client.network);
    sockets.add(connection);
    handleConnection(connection, {
      schema,
      prepare,
      subscribe,
      socketSessions,
      charge: (userId, requests) => charge(request, userId, requests),
      ipAddress: client.ipAddress,
      credentialsOf,
      createContext: (session, onRequire) => createContext(client, session, onRequire),
      requestId: request.id,
      log: request.log,
    });
  }

  return { onRequest: admit, wsHandler: serve };
}
