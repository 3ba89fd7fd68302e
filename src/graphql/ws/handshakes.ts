/** Adds the headers of all responses to those of WebSocket handshakes, which the `ws` package writes. */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { rawResponse } from '../../fastify/raw-response.js';
import { endWith } from '../../fastify/refused-connections.js';

const MALFORMED = { status: 400, message: 'The WebSocket handshake is malformed.' };

/**
 * Adds the reply's headers to the 101, and answers malformed handshakes with 400 QUERY_REJECTED in JSON. Call it after the
 * registration of `@fastify/websocket` and before that of the routes.
 */
export function answerHandshakes(app: FastifyInstance): void {
  const replies = new WeakMap<IncomingMessage, FastifyReply>();
  const headersOf = (reply: FastifyReply): Record<string, string> =>
    Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]));

  app.addHook('onRequest', (request, reply, next) => {
    if (request.ws) replies.set(request.raw, reply);
    next();
  });
  app.websocketServer.on('headers', (lines, request) => {
    for (const [name, value] of Object.entries(headersOf(replies.get(request)!))) lines.push(`${name}: ${value}`);
  });
  app.websocketServer.on('wsClientError', (_error, socket, request) => {
    const reply = replies.get(request)!;
    reply.request.errorCode = 'QUERY_REJECTED';
    reply.raw.statusCode = MALFORMED.status;
    endWith(socket, () => rawResponse(MALFORMED, { ...headersOf(reply), 'sec-websocket-version': '13' }));
  });
}
