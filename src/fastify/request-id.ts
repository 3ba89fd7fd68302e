/** The id that a request has in the log, in `x-request-id` and in an INTERNAL_ERROR. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Trusts } from './trusted-networks.js';

/** What is taken over: enough for UUIDs and the trace ids of proxies, nothing that could break a line apart. */
const ACCEPTABLE = /^[\w.:=-]{8,64}$/;

/**
 * Makes ids. A caller's `x-request-id` counts only if TRUST_REQUEST_ID is on and the peer is a trusted proxy, so that a
 * request can be followed through both logs; from anybody else it would let requests be confused with each other.
 * @param trusts whose header counts
 */
export function createRequestIds(trusts: Trusts): (request: IncomingMessage) => string {
  return (request) => {
    const given = request.headers['x-request-id'];
    const counts = typeof given === 'string' && ACCEPTABLE.test(given) && trusts(request.socket.remoteAddress);
    return counts ? given : randomUUID();
  };
}
