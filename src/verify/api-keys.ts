/** Verifies API keys of Latchkey by introspection. */
import { isWellFormedKey } from './api-key.js';
import { VerificationError } from './errors.js';
import type { CachedIntrospection } from './introspection.js';
import { createLookupLimit } from './lookup-limit.js';
import type { VerifiedToken } from './verified-token.js';

export interface ApiKeyVerifier {
  /** Whether a bearer token is meant to be an API key. */
  isApiKey(token: string): boolean;
  /** @throws VerificationError INVALID_API_KEY, RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE, INTERNAL_ERROR */
  verify(key: string, ipAddress: string | undefined): Promise<VerifiedToken>;
}

/** @param prefix API_KEY_PREFIX of Latchkey */
export function createApiKeyVerifier(introspection: CachedIntrospection, prefix: string): ApiKeyVerifier {
  const countLookup = createLookupLimit();

  async function lookUp(key: string, ipAddress: string | undefined) {
    const takeBack = countLookup(ipAddress);
    let isWrong = false;
    try {
      const found = await introspection.lookUp(key, ipAddress);
      isWrong = !found;
      return found;
    } finally {
      if (!isWrong) takeBack();
    }
  }

  return {
    isApiKey: (token) => token.startsWith(prefix),
    async verify(key, ipAddress) {
      // A malformed key costs no request.
      if (!isWellFormedKey(key, prefix)) throw invalidApiKey();
      const found = await (introspection.known(key, ipAddress) ?? lookUp(key, ipAddress));
      if (found?.tokenType !== 'api_key') throw invalidApiKey();
      return {
        kind: 'api-key',
        subject: found.subject,
        sessionId: undefined,
        clientId: undefined,
        scopes: found.scopes,
        expiresAt: found.expiresAt === undefined ? undefined : new Date(found.expiresAt),
        claims: found.members,
      };
    },
  };
}

function invalidApiKey(): VerificationError {
  return new VerificationError('INVALID_API_KEY', 'The API key is not valid.');
}
