/** Keys for one purpose each, from AUTH_SECRET (HKDF-SHA-256, RFC 5869): knowing one tells nothing of another. */
import { hkdfSync } from 'node:crypto';

const SALT = 'latchkey';

export type KeyPurpose = 'refresh-token' | 'signing-key' | 'identifier-change' | 'event-message';

/** 32 bytes that serve `purpose` alone. */
export function deriveKey(secret: string, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, SALT, purpose, 32));
}
