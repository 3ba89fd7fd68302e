/**
 * The form of API keys: `<prefix><id><secret><checksum>` in base62. The checksum tells a mistyped or invented key from a real one
 * without a read, and lets secret scanners avoid false positives.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { v4 as uuidv4 } from 'uuid';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DIGITS = new Map([...ALPHABET].map((digit, value) => [digit, BigInt(value)]));
const BASE = 62n;
/** Digits of 128, 256 and 32 bits. */
const ID_LENGTH = 22;
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const SECRET_BYTES = 32;
const ID_LIMIT = 1n << 128n;

/** A well-formed key. It is not known to exist. */
export interface ParsedApiKey {
  /** UUID. */
  readonly id: string;
  /** SHA-256 of the secret, in base64url. */
  readonly secretHash: string;
}

/** A new key. `key` is shown once and never stored. */
export interface NewApiKey extends ParsedApiKey {
  readonly key: string;
  /** The public part: prefix and id. */
  readonly prefix: string;
}

export interface ApiKeyFormat {
  /** Whether a bearer token is meant to be an API key. */
  isApiKey(token: string): boolean;
  /** Creates a key. @param id of a key that gets a new secret; default: a new id */
  generate(id?: string): NewApiKey;
  /** Undefined for a text that is no key: another form, a digit that is none, or a wrong checksum. */
  parse(text: string): ParsedApiKey | undefined;
}

/** @param prefix API_KEY_PREFIX */
export function createApiKeyFormat(prefix: string): ApiKeyFormat {
  const length = prefix.length + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;
  return {
    isApiKey: (token) => token.startsWith(prefix),

    generate(id = uuidv4()) {
      const publicPart = prefix + encode(BigInt(`0x${id.replaceAll('-', '')}`), ID_LENGTH);
      const secret = encode(BigInt(`0x${randomBytes(SECRET_BYTES).toString('hex')}`), SECRET_LENGTH);
      const key = publicPart + secret + checksumOf(publicPart + secret);
      return { id, key, prefix: publicPart, secretHash: hash(secret) };
    },

    parse(text) {
      if (text.length !== length || !text.startsWith(prefix)) return undefined;
      const body = text.slice(0, -CHECKSUM_LENGTH);
      if (checksumOf(body) !== text.slice(-CHECKSUM_LENGTH)) return undefined;
      const id = decode(body.slice(prefix.length, prefix.length + ID_LENGTH));
      const secret = body.slice(prefix.length + ID_LENGTH);
      if (id === undefined || id >= ID_LIMIT || decode(secret) === undefined) return undefined;
      return { id: toUuid(id), secretHash: hash(secret) };
    },
  };
}

/** Compares two hashes of secrets in constant time. */
export function isSameHash(one: string, other: string | null): boolean {
  if (other === null) return false;
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Plain SHA-256, not an HMAC: 256 random bits need no pepper, and a rotation of AUTH_SECRET must not invalidate keys. */
function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

function checksumOf(text: string): string {
  return encode(BigInt(crc32(text)), CHECKSUM_LENGTH);
}

function encode(value: bigint, length: number): string {
  let digits = '';
  for (let rest = value; digits.length < length; rest /= BASE) digits = ALPHABET[Number(rest % BASE)]! + digits;
  return digits;
}

/** Undefined if a character is no digit. */
function decode(digits: string): bigint | undefined {
  let value = 0n;
  for (const character of digits) {
    const digit = DIGITS.get(character);
    if (digit === undefined) return undefined;
    value = value * BASE + digit;
  }
  return value;
}

function toUuid(value: bigint): string {
  const hex = value.toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
