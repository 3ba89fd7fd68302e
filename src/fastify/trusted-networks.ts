/** Matches addresses against the trusted proxies. */
import { BlockList, isIPv6 } from 'node:net';
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

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
