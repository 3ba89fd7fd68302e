/** Encryption of what is kept at rest: AES-256-GCM (NIST SP 800-38D), bound to what it belongs to. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveKey, type KeyPurpose } from './derive.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Seal {
  /** Encrypts under the current secret. `context` must be given again to open it. */
  close(plaintext: string, context: string): string;
  /** Undefined when no secret fits, or the text or its context was changed. */
  open(sealed: string, context: string): string | undefined;
}

/** @param secrets the first is current, the others still open what they closed */
export function createSeal(secrets: readonly string[], purpose: KeyPurpose): Seal {
  const keys = secrets.map((secret) => deriveKey(secret, purpose));
  return {
    close(plaintext, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, keys[0]!, nonce).setAAD(Buffer.from(context));
      const encrypted = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64url');
    },

    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
      const encrypted = bytes.subarray(NONCE_BYTES + TAG_BYTES);
      for (const key of keys) {
        const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
        try {
          return decipher.update(encrypted, undefined, 'utf8') + decipher.final('utf8');
        } catch {
          continue;
        }
      }
      return undefined;
    },
  };
}
