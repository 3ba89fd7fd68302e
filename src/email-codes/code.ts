/**
 * The form of mailed sign-in codes: eight characters of Crockford's Base32, 40 random bits. The alphabet has no I, L, O and U, so
 * no two of its characters look alike.
 * @see https://www.crockford.com/base32.html
 */
import { randomBytes } from 'node:crypto';
import { normalizeCode } from '../mfa/codes.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 8;
const CODE = /^[0-9A-HJKMNP-TV-Z]{8}$/;

/** A new random code. */
export function createCode(): string {
  // 256 is a multiple of 32, so each character is equally likely.
  return Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** A code as people read it: `7K3M-Q2XD`. */
export function formatCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/**
 * The code that a person typed: in any case, full-width characters, with spaces and hyphens, and with the letters I, L and O for the
 * digits that they look like. Undefined if it is none.
 */
export function parseCode(text: string): string | undefined {
  const code = normalizeCode(text).replace(/[IL]/g, '1').replaceAll('O', '0');
  return CODE.test(code) ? code : undefined;
}
