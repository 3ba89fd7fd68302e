/** Matches addresses against the trusted proxies. */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv6, type Socket } from 'node:net';
import { clientAddress } from '../lib/client-address.js';

/** Whether an address is trusted. Accepts addresses with a port or as IPv4-mapped IPv6, as some proxies write them. */
export type IsTrustedAddress = (address: string | undefined) => boolean;

/** @param networks addresses and networks, as in `TRUST_PROXY` */
export function createTrustedNetworks(networks: readonly string[]): IsTrustedAddress {
  const trusted = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    if (prefix === undefined) trusted.addAddress(address, familyOf(address));
    else trusted.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (address) => {
    const bare = clientAddress(address);
    return trusted.check(bare, familyOf(bare));
  };
}

/**
 * The address of the client of a raw request: the last one that no trusted proxy has written, as Fastify determines `request.ip`.
 * @returns as `clientAddress`
 */
export function forwardedClientAddress(
  { headers, socket }: { readonly headers: IncomingHttpHeaders; readonly socket?: Pick<Socket, 'remoteAddress'> },
  isTrusted: IsTrustedAddress,
): string {
  const forwarded = [headers['x-forwarded-for'] ?? []].flat().join(',');
  const hops = [
    socket?.remoteAddress,
    ...forwarded
      .split(',')
      .map((hop) => hop.trim())
      .reverse(),
  ].filter(Boolean);
  return clientAddress(hops.find((hop) => !isTrusted(hop)) ?? hops.at(-1));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
