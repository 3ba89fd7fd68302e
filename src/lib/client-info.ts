/** Where a request came from: for the list of sessions, the audit and counting; never proof of anything. */
import { clientAddress, clientNetwork } from './client-address.js';

export interface ClientInfo {
  /** In one spelling, without a port; `unknown` where it is no address. */
  readonly ipAddress: string;
  /** What executions are counted by: the address, an IPv6 one as its /64. */
  readonly network: string;
  /** The hash of the token in the device cookie; left out where there is none. */
  readonly device?: string | undefined;
  /** Bounded and free of what the database refuses; see `clientInfo`. */
  readonly userAgent: string | null;
}

const MAX_USER_AGENT = 512;

/** Makes a ClientInfo of what a connection says of itself. */
export function clientInfo(ip: string, userAgent: string | undefined): ClientInfo {
  const printable = userAgent?.replace(/[^\x20-\x7e\xa0-\xff]/g, '').slice(0, MAX_USER_AGENT);
  return { ipAddress: clientAddress(ip), network: clientNetwork(ip), userAgent: printable || null };
}
