/** The address of an account that has none: its owner released it, or a provider told none that it had verified. */
import { randomUUID } from 'node:crypto';

/** `.invalid` never exists (RFC 6761, 6.4), so no mail can reach anybody. Stored, so it stays the same. */
const DOMAIN = '@released.invalid';

/** A random placeholder address: it cannot be guessed and registered in advance. */
export function createPlaceholderEmail(): string {
  return `${randomUUID()}${DOMAIN}`;
}

/** Whether an address is a placeholder; no mail is sent to those. */
export function isPlaceholderEmail(email: string): boolean {
  return email.endsWith(DOMAIN);
}
