/** The parameter `id_token_hint` (OpenID Connect Core 1.0 section 3.1.2.1, RP-Initiated Logout 1.0 section 2). */
import type { IdTokenKeys } from '../../signing-keys/id-token-keys.js';

/** Whose an ID token is. */
export interface IdTokenHint {
  readonly clientId: string;
  readonly userId: string;
  /** The browser session at the provider. */
  readonly sessionId: string | undefined;
}

/** Reads an ID token of this provider, expired or not. Undefined for any other token. */
export type ReadIdTokenHint = (token: string) => Promise<IdTokenHint | undefined>;

export function createReadIdTokenHint(keys: Pick<IdTokenKeys, 'find'>): ReadIdTokenHint {
  return async (token) => {
    const kid = kidOf(token);
    const key = kid === undefined ? undefined : await keys.find(kid);
    if (!key) return undefined;
    try {
      const { aud, sub, sid } = key.verify(token);
      if (typeof aud !== 'string' || typeof sub !== 'string') return undefined;
      return { clientId: aud, userId: sub, sessionId: typeof sid === 'string' ? sid : undefined };
    } catch {
      return undefined;
    }
  };
}

/** The key id in the header of a JWT, which is not verified yet. */
function kidOf(token: string): string | undefined {
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.', 1)[0]!, 'base64url').toString());
    const kid = typeof header === 'object' && header !== null && 'kid' in header ? header.kid : undefined;
    return typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined;
  }
}
