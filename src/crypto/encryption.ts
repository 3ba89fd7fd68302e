/**
 * Encryption at rest: AES-256-GCM (NIST SP 800-38D) with the context as additional authenticated data. The format is
 * `base64url(version ‖ nonce ‖ tag ‖ ciphertext)`. Values of release 0.1 have no version; they can still be decrypted.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKey, type KeyPurpose } from './derive.js';

const ALGORITHM = 'aes-256-gcm';
/** Version of format and algorithm. Part of the additional authenticated data. */
const VERSION = 1;
const VERSION_BYTES = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Encryption {
  /** Encrypts with the current secret. Decryption requires the same `context`. */
  encrypt(plaintext: string, context: string): string;
  /** Undefined if no secret decrypts the value, or if the value or its context was changed. */
  decrypt(ciphertext: string, context: string): string | undefined;
}

/** @param secrets the first encrypts, all decrypt */
export function createEncryption(secrets: readonly string[], purpose: KeyPurpose): Encryption {
  const keys = secrets.map((secret) => deriveKey(secret, purpose));

  function decryptBytes(bytes: Buffer, additionalData: Buffer): string | undefined {
    if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    const encrypted = bytes.subarray(NONCE_BYTES + TAG_BYTES);
    for (const key of keys) {
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(additionalData).setAuthTag(tag);
      try {
        return decipher.update(encrypted, undefined, 'utf8') + decipher.final('utf8');
      } catch {
        continue;
      }
    }
    return undefined;
  }

  return {
    encrypt(plaintext, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, keys[0]!, nonce).setAAD(additionalData(context));
      const encrypted = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
    },

    decrypt(ciphertext, context) {
      const bytes = Buffer.from(ciphertext, 'base64url');
      const versioned =
        bytes[0] === VERSION ? decryptBytes(bytes.subarray(VERSION_BYTES), additionalData(context)) : undefined;
      // One in 256 unversioned values starts with the same byte, so a failed decryption is tried as unversioned.
      return versioned ?? decryptBytes(bytes, Buffer.from(context));
    },
  };
}

function additionalData(context: string): Buffer {
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(context)]);
}
