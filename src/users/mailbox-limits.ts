/** How much mail one mailbox gets, however many accounts and spellings of its address there are. */
import { createHash } from 'node:crypto';
import type { Charged, RateLimits } from '../rate-limits/service.js';
import { emailKey } from './identifiers.js';

/** Links: anybody can ask for them. */
const LINKS = { max: 6, windowMs: 3_600_000 };
/** Notices of changes: many more than an account's owner causes, so that a stranger does not keep one from its owner. */
const NOTICES = { max: 30, windowMs: 3_600_000 };
const RATES = { 'reset mailbox': LINKS, 'verification mailbox': LINKS, 'notice mailbox': NOTICES } as const;

export interface MailboxLimits {
  /** Counts one message. @returns false if the mailbox had its share of the kind within the last hour */
  charge(kind: keyof typeof RATES, address: string, charged: Charged): Promise<boolean>;
}

export function createMailboxLimits(rateLimits: Pick<RateLimits, 'count'>): MailboxLimits {
  return {
    charge(kind, address, charged) {
      // The address is only counted, so only its hash is kept.
      const hash = createHash('sha256').update(mailboxOf(address)).digest('base64url');
      return rateLimits.count(`${kind}|${hash}`, RATES[kind], charged);
    },
  };
}

/** The mailbox of an address: without what follows a plus sign, as most servers deliver `a+b@x` to `a@x`. */
export function mailboxOf(address: string): string {
  const key = emailKey(address);
  const plus = key.indexOf('+');
  const at = key.lastIndexOf('@');
  return plus > 0 && plus < at ? key.slice(0, plus) + key.slice(at) : key;
}
