/** Limits the email to one mailbox, across all accounts and spellings of its address. */
import { createHash } from 'node:crypto';
import type { Charged, RateLimits } from '../rate-limits/service.js';
import { emailKey } from './identifiers.js';

/** Links and codes, which anybody can request. */
const LINKS = { max: 6, windowMs: 3_600_000 };
/** Notices of changes: far above normal use, so an attacker cannot easily suppress one. */
const NOTICES = { max: 30, windowMs: 3_600_000 };
const RATES = {
  'reset mailbox': LINKS,
  'code mailbox': LINKS,
  'verification mailbox': LINKS,
  'notice mailbox': NOTICES,
} as const;

export interface MailboxLimits {
  /** Counts one message. @returns false if the mailbox is over the limit for this kind */
  charge(kind: keyof typeof RATES, address: string, charged: Charged): Promise<boolean>;
}

export function createMailboxLimits(rateLimits: Pick<RateLimits, 'count'>): MailboxLimits {
  return {
    charge(kind, address, charged) {
      // A hash is enough for counting.
      const hash = createHash('sha256').update(mailboxOf(address)).digest('base64url');
      return rateLimits.count(`${kind}|${hash}`, RATES[kind], charged);
    },
  };
}

/** The address without its +tag, because most servers deliver `a+b@x` to `a@x`. */
export function mailboxOf(address: string): string {
  const key = emailKey(address);
  const plus = key.indexOf('+');
  const at = key.lastIndexOf('@');
  return plus > 0 && plus < at ? key.slice(0, plus) + key.slice(at) : key;
}
