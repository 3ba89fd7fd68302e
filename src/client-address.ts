/** By what a caller's address counts. */
import { isIP, isIPv4 } from 'node:net';

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** What requests count by whose address is gone (the peer hung up) or is not one (a proxy's `unknown`). */
const UNKNOWN = 'unknown';

/**
 * The network that requests from an address are counted by: an IPv4 address itself, also when it comes mapped
 * into IPv6 (RFC 4291, 2.5.5.2), and an IPv6 address's /64, which is what one subscriber gets at the least
 * (RFC 6177), so that changing the lower half buys nothing. Equal networks give equal text, whatever the spelling.
 * @param ip an address; a zone id (`fe80::1%eth0`) is left out
 * @returns `203.0.113.7`, `2001:db8::/64` or `unknown`
 */
export function clientNetwork(ip: string): string {
  const version = isIP(ip);
  if (version === 4) return ip;
  if (version !== 6) return UNKNOWN;
  const mapped = MAPPED_IPV4.exec(ip)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;

  const groups = expand(canonical(ip.replace(/%.*/, '')));
  const isMapped = groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff';
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => octets(parseInt(group, 16)))
      .join('.');
  return `${canonical(`${groups.slice(0, 4).join(':')}::`)}/64`;
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
