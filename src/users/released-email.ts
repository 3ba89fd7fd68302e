/** The address of an account whose unconfirmed address was released by the address's owner. */
import { randomUUID } from 'node:crypto';

/** `.invalid` never exists (RFC 6761, 6.4), so no mail can reach anybody. */
const DOMAIN = '@released.invalid';

/** A random placeholder address: it cannot be guessed and registered in advance. */
export function createReleasedEmail(): string {
  return `${randomUUID()}${DOMAIN}`;
}

/** Whether an address is a placeholder; no mail is sent to those. */
export function isReleasedEmail(email: string): boolean {
  return email.endsWith(DOMAIN);
}
