/** Random secrets of OAuth: codes, client secrets, request ids. They have 256 bits, so an unsalted hash protects them. */
import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits in base64url. */
export function randomSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256 in base64url. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
