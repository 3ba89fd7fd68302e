/** The origin of a request: for session lists, the audit log and rate limits. Not authenticated. */
import { clientAddress, clientNetwork } from './client-address.js';

export interface ClientInfo {
  /** Canonical, without a port; `unknown` if it is not an address. */
  readonly ipAddress: string;
  /** The network for rate limits: the IPv4 address or the IPv6 /64. */
  readonly network: string;
  /** The hash of the device cookie's token; left out if there is none. */
  readonly device?: string | undefined;
  /** Printable characters only, at most 512. */
  readonly userAgent: string | null;
}

const MAX_USER_AGENT = 512;

/** Creates a ClientInfo from the address and the User-Agent header of a request. */
export function clientInfo(ip: string, userAgent: string | undefined): ClientInfo {
  const printable = userAgent?.replace(/[^\x20-\x7e\xa0-\xff]/g, '').slice(0, MAX_USER_AGENT);
  return { ipAddress: clientAddress(ip), network: clientNetwork(ip), userAgent: printable || null };
}
