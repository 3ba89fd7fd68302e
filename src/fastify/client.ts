/** The client of a request: the one place where its address is read. */
import type { FastifyRequest } from 'fastify';
import { clientInfo, type ClientInfo } from '../lib/client-info.js';

const clients = new WeakMap<FastifyRequest, ClientInfo>();

/** Address, network and User-Agent; `trustProxy` of the server decides which forwarding headers count. */
export function clientOf(request: FastifyRequest): ClientInfo {
  const known = clients.get(request);
  if (known) return known;
  const client = clientInfo(request.ip, request.headers['user-agent']);
  clients.set(request, client);
  return client;
}
