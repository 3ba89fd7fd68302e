/** Reads the client of a request. No other module reads its address. */
import type { FastifyRequest } from 'fastify';
import { clientInfo, type ClientInfo } from '../lib/client-info.js';

const clients = new WeakMap<FastifyRequest, ClientInfo>();

/** Address, network and User-Agent. The server option `trustProxy` decides which forwarding headers are trusted. */
export function clientOf(request: FastifyRequest): ClientInfo {
  const known = clients.get(request);
  if (known) return known;
  const client = clientInfo(request.ip, request.headers['user-agent']);
  clients.set(request, client);
  return client;
}
