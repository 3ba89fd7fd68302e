/** Derives one key per purpose from AUTH_SECRET (HKDF-SHA-256, RFC 5869). Knowing one key reveals nothing about the others. */
import { hkdfSync } from 'node:crypto';

const SALT = 'latchkey';

export type KeyPurpose =
  | 'refresh-token'
  | 'oauth-refresh-token'
  | 'browser-session'
  | 'signing-key'
  | 'identifier-change'
  | 'event-message'
  | 'totp-secret'
  | 'email-code';

/** A key of 32 bytes for `purpose`. */
export function deriveKey(secret: string, purpose: KeyPurpose): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, SALT, purpose, 32));
}
