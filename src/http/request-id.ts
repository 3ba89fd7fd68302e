/** The id that a request has in the log, in `x-request-id` and in an INTERNAL_ERROR. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** What is taken over: enough for UUIDs and the trace ids of proxies, nothing that could break a line apart. */
const ACCEPTABLE = /^[\w.:=-]{8,64}$/;

/**
 * Makes ids. A caller's `x-request-id` counts only when the peer is a trusted proxy, which then follows a request
 * through both logs; from anybody else it would let requests be confused with each other.
 * @param trustedNetworks addresses and networks, as in `TRUST_PROXY`
 */
export function createRequestIds(trustedNetworks: readonly string[]): (request: IncomingMessage) => string {
  const trusted = new BlockList();
  for (const network of trustedNetworks) {
    const [address = '', prefix] = network.split('/');
    const family = familyOf(address);
    if (prefix === undefined) trusted.addAddress(address, family);
    else trusted.addSubnet(address, Number(prefix), family);
  }
  return (request) => {
    const given = request.headers['x-request-id'];
    const peer = request.socket.remoteAddress;
    const counts =
      typeof given === 'string' && peer !== undefined && trusted.check(peer, familyOf(peer)) && ACCEPTABLE.test(given);
    return counts ? given : randomUUID();
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
