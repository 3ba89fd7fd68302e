/** Which peers are our own proxies, whose word on a request counts. */
import { BlockList, isIPv6 } from 'node:net';
import { clientAddress } from '../lib/client-address.js';

/** Whether an address, in whatever way a proxy writes it, is a trusted one. */
export type Trusts = (address: string | undefined) => boolean;

/** @param networks addresses and networks, as in `TRUST_PROXY` */
export function createTrust(networks: readonly string[]): Trusts {
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
