/** The form of recovery codes: 80 random bits in Crockford's base32, which has no I, L, O and U. Pure functions. */
import { createHash, randomBytes } from 'node:crypto';
import { normalizeCode } from '../codes.js';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Five bits each. */
const LENGTH = 16;
const CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/;

/** A code in four groups, such as `7K3M-…`. */
export function createRecoveryCode(): string {
  // 256 is a multiple of 32, so every character is equally likely.
  const characters = Array.from(randomBytes(LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]!);
  return characters.join('').replace(/.{4}(?=.)/g, '$&-');
}

/** The stored hash of a code as a person typed it; undefined if it is malformed. A fast hash is enough for 80 bits. */
export function recoveryCodeHash(typed: string): string | undefined {
  const code = normalizeCode(typed).replaceAll('O', '0').replace(/[IL]/g, '1');
  return CODE.test(code) ? createHash('sha256').update(code).digest('base64url') : undefined;
}
