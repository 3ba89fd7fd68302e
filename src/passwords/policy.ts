/**
 * Which new passwords are accepted: by length and by what an attacker would try first. No composition rules, no
 * truncation (NIST SP 800-63B-4 section 3.1.1.2; OWASP ASVS 5.0 6.2.1, 6.2.5, 6.2.8 and 6.2.9).
 */
import { countCharacters } from '../lib/text.js';
import type { IsBreached } from './breached.js';
import { blocklistError } from './blocklist.js';

/** The longest password, in code points: room for passphrases, and a bound on the work of one attempt. */
export const MAX_PASSWORD_LENGTH = 256;

/**
 * Controls (RFC 8265 section 4.2), lone surrogates (all of them hash alike) and unassigned code points (a later
 * Unicode may normalise them otherwise; UAX 15 section 12.1, stabilized strings).
 */
const UNFIT = /[\p{Cc}\p{Cs}\p{Cn}]/u;

export interface PasswordPolicy {
  /**
   * What is hashed: NFC, as NIST SP 800-63B-4 asks for, so that an é is one however a keyboard makes it. Nothing else
   * is touched; NFKC, of the revision before, makes different passwords one.
   */
  normalize(password: string): string;
  /**
   * What is wrong with a new password, to show to its owner.
   * @param ownWords the account's e-mail address and names, as typed
   */
  check(password: string, ownWords: readonly string[]): string[];
  /** The same, and whether the password is known from a breach, which is asked for only when nothing else is wrong. */
  checkAll(password: string, ownWords: readonly string[]): Promise<string[]>;
}

export interface PasswordPolicyOptions {
  /** In code points. */
  readonly minLength: number;
  /** Whether common passwords and own words are refused. */
  readonly blocklist: boolean;
  /** What the service is called, its host included; refused as own words are. */
  readonly serviceNames?: readonly string[];
  /** Whether a password is known from a breach; left out where nothing is asked. */
  readonly isBreached?: IsBreached | undefined;
}

export function createPasswordPolicy(options: PasswordPolicyOptions): PasswordPolicy {
  const { minLength, blocklist, serviceNames = ['latchkey'], isBreached } = options;
  const normalize = (password: string): string => password.normalize('NFC');

  function errors(password: string, ownWords: readonly string[]): string[] {
    // UTF-16 units first (a code point has one or two): nothing walks through an endless text.
    if (password.length > MAX_PASSWORD_LENGTH * 2 || countCharacters(password) > MAX_PASSWORD_LENGTH) {
      return [`must be at most ${MAX_PASSWORD_LENGTH} characters`];
    }
    if (UNFIT.test(password)) return ['must not contain control characters or characters that Unicode does not know'];
    const short = countCharacters(normalize(password)) < minLength ? [`must be at least ${minLength} characters`] : [];
    const guessable = blocklist ? blocklistError(password, [...serviceNames, ...ownWords]) : undefined;
    return guessable === undefined ? short : [...short, guessable];
  }

  return {
    normalize,
    check: errors,
    async checkAll(password, ownWords) {
      const found = errors(password, ownWords);
      if (found.length > 0 || !(await isBreached?.(password))) return found;
      return ['must not be a password that is known from a data breach'];
    },
  };
}
