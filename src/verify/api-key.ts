/**
 * The form of API keys: prefix, 65 base62 digits, and their CRC-32 in 6 more. It finds mistyped and invented keys without a request.
 * docs/api-keys.md describes it.
 */
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The digits of the id and the secret, then those of the checksum. */
const DIGITS = /^[\dA-Za-z]{71}$/;
const CHECKSUM_LENGTH = 6;

/** @param prefix API_KEY_PREFIX of Latchkey */
export function isWellFormedKey(text: string, prefix: string): boolean {
  if (!text.startsWith(prefix) || !DIGITS.test(text.slice(prefix.length))) return false;
  return text.slice(-CHECKSUM_LENGTH) === checksumOf(text.slice(0, -CHECKSUM_LENGTH));
}

function checksumOf(text: string): string {
  let digits = '';
  for (let rest = crc32(text); digits.length < CHECKSUM_LENGTH; rest = Math.floor(rest / ALPHABET.length))
    digits = ALPHABET[rest % ALPHABET.length]! + digits;
  return digits;
}
