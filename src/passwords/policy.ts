/**
 * The policy for new passwords: length and blocklist. No composition rules and no truncation (NIST SP 800-63B-4 section
 * 3.1.1.2; OWASP ASVS 5.0 6.2.1, 6.2.5, 6.2.8 and 6.2.9).
 */
import { countCharacters } from '../lib/text.js';
import type { IsBreached } from './breached.js';
import { blocklistError } from './blocklist.js';

/** The maximum length in code points. Bounds the work of one attempt and leaves room for passphrases. */
export const MAX_PASSWORD_LENGTH = 256;

/**
 * Control characters (RFC 8265 section 4.2), lone surrogates (all encode to the same bytes) and unassigned code points (a later
 * Unicode version may normalise them differently; UAX 15 section 12.1).
 */
const UNFIT = /[\p{Cc}\p{Cs}\p{Cn}]/u;

export interface PasswordPolicy {
  /**
   * The form that is hashed: NFC, as NIST SP 800-63B-4 requires, so the keyboard's encoding of é does not matter. Not NFKC, which
   * would make different passwords equal.
   */
  normalize(password: string): string;
  /**
   * Error messages for the user; empty if the password is accepted.
   * @param ownWords the account's email address and names, as entered
   */
  check(password: string, ownWords: readonly string[]): string[];
  /** As `check`. An otherwise valid password is also checked against known breaches. */
  checkAll(password: string, ownWords: readonly string[]): Promise<string[]>;
}

export interface PasswordPolicyOptions {
  /** In code points. */
  readonly minLength: number;
  /** Whether the blocklist is on. */
  readonly blocklist: boolean;
  /** Names of the service, including its host. They count as own words. */
  readonly serviceNames?: readonly string[];
  /** The breach check; left out if it is off. */
  readonly isBreached?: IsBreached | undefined;
}

export function createPasswordPolicy(options: PasswordPolicyOptions): PasswordPolicy {
  const { minLength, blocklist, serviceNames = ['latchkey'], isBreached } = options;
  const normalize = (password: string): string => password.normalize('NFC');

  function errors(password: string, ownWords: readonly string[]): string[] {
    // Checks UTF-16 units first, which is cheap for very long input.
    if (password.length > MAX_PASSWORD_LENGTH * 2 || countCharacters(password) > MAX_PASSWORD_LENGTH) {
      return [`must be at most ${MAX_PASSWORD_LENGTH} characters`];
    }
    if (UNFIT.test(password)) return ['must not contain control characters or unassigned Unicode characters'];
    const short = countCharacters(normalize(password)) < minLength ? [`must be at least ${minLength} characters`] : [];
    const issue = blocklist ? blocklistError(password, [...serviceNames, ...ownWords]) : undefined;
    return issue === undefined ? short : [...short, issue];
  }

  return {
    normalize,
    check: errors,
    async checkAll(password, ownWords) {
      const found = errors(password, ownWords);
      if (found.length > 0 || !(await isBreached?.(password))) return found;
      return ['must not be a password from a known data breach'];
    },
  };
}
