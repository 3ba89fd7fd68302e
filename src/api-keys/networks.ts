/** Networks in CIDR notation (RFC 4632, RFC 4291), from which a key is accepted. */
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { clientAddress } from '../lib/client-address.js';

const CIDR = /^([\da-f:.]{2,45})(?:\/(\d{1,3}))?$/i;
/** The length of the prefix ::ffff:0:0/96 of IPv4-mapped addresses. */
const MAPPED_BITS = 96;

/**
 * The canonical form of a network, with the bits of the host cleared; undefined if it is none. An address is a network of one. An
 * IPv4-mapped IPv6 network counts as its IPv4 network.
 * @returns `192.0.2.0/24` or `2001:db8::/32`
 */
export function parseNetwork(text: string): string | undefined {
  const [, address = '', length] = CIDR.exec(text.trim()) ?? [];
  const family = isIPv4(address) ? 4 : isIPv6(address) ? 6 : undefined;
  if (family === undefined) return undefined;
  const canonical = clientAddress(address);
  const isMapped = family === 6 && isIPv4(canonical);
  const all = family === 4 ? 32 : 128;
  const bits = (length === undefined ? all : Number(length)) - (isMapped ? MAPPED_BITS : 0);
  const max = isIPv4(canonical) ? 32 : 128;
  if (bits < 0 || bits > max) return undefined;
  return isIPv4(canonical) ? ipv4Network(canonical, bits) : ipv6Network(canonical, bits);
}

/** Whether an address is in one of the networks; true without networks. @param address as `clientAddress` returns it */
export function isInNetworks(address: string, networks: readonly string[]): boolean {
  if (networks.length === 0) return true;
  if (isIP(address) === 0) return false;
  const list = new BlockList();
  for (const network of networks) {
    const [base = '', bits] = network.split('/');
    list.addSubnet(base, Number(bits), familyOf(base));
  }
  return list.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

function ipv4Network(address: string, bits: number): string {
  const value = address.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  const masked = mask(value, 32, bits);
  return `${[24n, 16n, 8n, 0n].map((shift) => (masked >> shift) & 255n).join('.')}/${bits}`;
}

function ipv6Network(address: string, bits: number): string {
  const [before = [], after = []] = address.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  const masked = mask(BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`), 128, bits);
  const parts = masked.toString(16).padStart(32, '0').match(/.{4}/g) ?? [];
  return `${new URL(`http://[${parts.join(':')}]`).hostname.slice(1, -1)}/${bits}`;
}

function mask(value: bigint, all: number, bits: number): bigint {
  const host = BigInt(all - bits);
  return (value >> host) << host;
}
