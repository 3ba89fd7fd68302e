/** User codes of the device authorization grant (RFC 8628 section 6.1). */
import { randomInt } from 'node:crypto';

/** Consonants only: codes form no words, and no letter looks like a digit. 20^8 codes are 34 bits. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const LENGTH = 8;
const CODE = /^[BCDFGHJ-NP-TV-XZ]{8}$/;
/** Longer input is not a code, whatever its separators. */
const MAX_INPUT = 64;

/** A random code without its separator. */
export function randomUserCode(): string {
  return Array.from({ length: LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** A code as a person reads it: `XXXX-XXXX`. */
export function displayUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/** The code that a person typed, in either case and with any separators; undefined if it cannot be one. */
export function parseUserCode(input: string): string | undefined {
  if (input.length > MAX_INPUT) return undefined;
  const code = input.replace(/[^A-Za-z0-9]/g, '').toUpperCase();
  return CODE.test(code) ? code : undefined;
}
