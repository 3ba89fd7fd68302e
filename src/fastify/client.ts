/** The client of a request: the one place where its address is read. */
import type { FastifyRequest } from 'fastify';
import { clientInfo, type ClientInfo } from '../lib/client-info.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Read by `clientOf`. */
    client: ClientInfo | null;
  }
}

/** Address, network and User-Agent; `trustProxy` of the server decides which forwarding headers count. */
export function clientOf(request: FastifyRequest): ClientInfo {
  return (request.client ??= clientInfo(request.ip, request.headers['user-agent']));
}
