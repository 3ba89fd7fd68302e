/** Creates the request id, which is in the log, in `x-request-id` and in INTERNAL_ERROR. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { IsTrustedAddress } from './trusted-networks.js';

/** Accepts UUIDs and the trace ids of proxies, but nothing that could forge log lines. */
const ACCEPTABLE = /^[\w.:=-]{8,64}$/;

/**
 * Creates the id generator. It accepts the `x-request-id` of a trusted proxy, so that both logs share the id; other clients could
 * forge ids.
 * @param isTrusted whether to accept the header of a peer
 */
export function createRequestIds(isTrusted: IsTrustedAddress): (request: IncomingMessage) => string {
  return (request) => {
    const given = request.headers['x-request-id'];
    const isAccepted = typeof given === 'string' && ACCEPTABLE.test(given) && isTrusted(request.socket.remoteAddress);
    return isAccepted ? given : randomUUID();
  };
}
