/** By what a caller's address counts. */
import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** As some proxies forward an address (RFC 7239, 6): with a port, and one of IPv6 in brackets. */
const FORWARDED = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/;
/** What requests count by whose address is gone (the peer hung up) or is not one (a proxy's `unknown`). */
const UNKNOWN = 'unknown';

/**
 * An address without what a proxy or the system adds to it: the port of the connection, a zone id (`fe80::1%eth0`), and
 * the IPv6 prefix of a mapped IPv4 address (RFC 4291, 2.5.5.2). Equal addresses give equal text, whatever the spelling.
 * @param ip what the socket or a trusted proxy says
 * @returns `203.0.113.7`, `2001:db8::1` or `unknown`
 */
export function clientAddress(ip: string | undefined): string {
  // First, as nearly all of them are.
  if (ip !== undefined && isIPv4(ip)) return ip;
  const bare = withoutPort(ip ?? '');
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return UNKNOWN;
  const mapped = MAPPED_IPV4.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;

  const address = canonical(bare.replace(/%.*/, ''));
  const groups = expand(address);
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff';
  if (!isMapped) return address;
  return groups
    .slice(6)
    .flatMap((group) => octets(parseInt(group, 16)))
    .join('.');
}

/**
 * The network that requests from an address are counted by: an IPv4 address itself, and an IPv6 address's /64, which is
 * what one subscriber gets at the least (RFC 6177), so that changing the lower half buys nothing.
 * @param ip as for `clientAddress`
 * @returns `203.0.113.7`, `2001:db8::/64` or `unknown`
 */
export function clientNetwork(ip: string | undefined): string {
  const address = clientAddress(ip);
  if (!address.includes(':')) return address;
  return `${canonical(`${expand(address).slice(0, 4).join(':')}::`)}/64`;
}

/**
 * Whether two addresses are of one access network: the same IPv4 /24 or IPv6 /64. Carriers move a client within such a range,
 * whereas a stolen token mostly comes from another.
 * @param a as `clientAddress` returns it
 */
export function sharesNetwork(a: string, b: string): boolean {
  const networkOf = (address: string) =>
    isIPv4(address) ? address.slice(0, address.lastIndexOf('.')) : clientNetwork(address);
  return networkOf(a) === networkOf(b);
}

/**
 * The networks that failures from an address are counted by, the narrowest first: an IPv4 address and its /24; an IPv6
 * address's /64, /56 and /48, which are what subscribers get (RFC 6177; RIPE-690).
 * @param ip as for `clientAddress`
 * @returns `['203.0.113.7', '203.0.113.0/24']`, `['2001:db8:0:1::/64', …]` or `['unknown']`
 */
export function clientNetworks(ip: string | undefined): readonly [string, ...string[]] {
  const address = clientAddress(ip);
  if (address === UNKNOWN) return [UNKNOWN];
  if (!address.includes(':')) return [address, `${address.slice(0, address.lastIndexOf('.'))}.0/24`];
  const [a = '0', b = '0', c = '0', d = '0'] = expand(address);
  const network = (bits: number, groups: readonly string[]) => `${canonical(`${groups.join(':')}::`)}/${bits}`;
  const half = (parseInt(d, 16) & 0xff00).toString(16);
  return [network(64, [a, b, c, d]), network(56, [a, b, c, half]), network(48, [a, b, c])];
}

/** The widest of `clientNetworks`: what shares a queue, so that many addresses of one owner count as one. */
export function widestNetwork(ip: string | undefined): string {
  return clientNetworks(ip).at(-1)!;
}

function withoutPort(ip: string): string {
  const [, bracketed, plain] = FORWARDED.exec(ip) ?? [];
  return bracketed ?? plain ?? ip;
}

/** RFC 5952's spelling, by way of the URL parser: many times faster than the address libraries. */
function canonical(ip: string): string {
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

/** All eight groups of a canonical address. */
function expand(ip: string): readonly string[] {
  const [before = [], after = []] = ip.split('::').map((half) => half.split(':').filter(Boolean));
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

function octets(group: number): readonly number[] {
  return [group >> 8, group & 255];
}
