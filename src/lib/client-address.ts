/** Normalises client addresses and maps them to networks for rate limits. */
import { isIPv4, isIPv6 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** An address with a port, and IPv6 in brackets, as some proxies forward it (RFC 7239, 6). */
const FORWARDED = /^(?:\[([^\]]+)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/;
/** A placeholder for a missing address (the peer disconnected) or an invalid one (a proxy's `unknown`). */
const UNKNOWN = 'unknown';

/**
 * The canonical form of an address: without port, zone id (`fe80::1%eth0`) and the IPv6 prefix of a mapped IPv4 address (RFC 4291,
 * 2.5.5.2). Different spellings of an address give the same text.
 * @param ip the address from the socket or from a trusted proxy
 * @returns `203.0.113.7`, `2001:db8::1` or `unknown`
 */
export function clientAddress(ip: string | undefined): string {
  // Fast path for the most common case.
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
 * The network for rate limits: an IPv4 address itself, or the /64 of an IPv6 address, which is the smallest allocation to a
 * subscriber (RFC 6177).
 * @param ip as for `clientAddress`
 * @returns `203.0.113.7`, `2001:db8::/64` or `unknown`
 */
export function clientNetwork(ip: string | undefined): string {
  const address = clientAddress(ip);
  if (!address.includes(':')) return address;
  return `${canonical(`${expand(address).slice(0, 4).join(':')}::`)}/64`;
}

/**
 * Whether two addresses are in one access network: the same IPv4 /24 or IPv6 /64. Carriers move clients within such a range;
 * a stolen token is mostly used from another.
 * @param a as `clientAddress` returns it
 */
export function sharesNetwork(a: string, b: string): boolean {
  const networkOf = (address: string) =>
    isIPv4(address) ? address.slice(0, address.lastIndexOf('.')) : clientNetwork(address);
  return networkOf(a) === networkOf(b);
}

/**
 * The networks for counting failures, narrowest first: an IPv4 address and its /24; the /64, /56 and /48 of an IPv6 address, which
 * are common allocations to subscribers (RFC 6177; RIPE-690).
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

/** The widest of `clientNetworks`: the bucket in bounded queues, so many addresses of one subscriber count as one. */
export function widestNetwork(ip: string | undefined): string {
  return clientNetworks(ip).at(-1)!;
}

function withoutPort(ip: string): string {
  const [, bracketed, plain] = FORWARDED.exec(ip) ?? [];
  return bracketed ?? plain ?? ip;
}

/** The form of RFC 5952. Uses the URL parser, which is many times faster than address libraries. */
function canonical(ip: string): string {
  return new URL(`http://[${ip}]`).hostname.slice(1, -1);
}

/** The eight groups of a canonical address. */
function expand(ip: string): readonly string[] {
  const [before = [], after = []] = ip.split('::').map((half) => half.split(':').filter(Boolean));
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
}

function octets(group: number): readonly number[] {
  return [group >> 8, group & 255];
}
