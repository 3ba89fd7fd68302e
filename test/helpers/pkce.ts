/** PKCE (RFC 7636), from the view of a client. */
import { createHash } from 'node:crypto';

export const VERIFIER = 'a-code-verifier-with-forty-three-characters';

/** The S256 challenge of a verifier. */
export function codeChallenge(verifier = VERIFIER): string {
  return createHash('sha256').update(verifier).digest('base64url');
}
