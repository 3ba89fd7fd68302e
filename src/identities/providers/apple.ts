/** What is particular to Sign in with Apple. */
import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import type { ClientAuthentication } from '../../config/identity-provider-settings.js';
import { isJsonObject } from '../../lib/json.js';

export type AppleKey = Extract<ClientAuthentication, { method: 'apple' }>;

const SECRET_TTL = '5m';

/**
 * Signs a client secret for one exchange.
 * @see https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 */
export function createAppleSecret({ teamId, keyId, privateKey }: AppleKey, clientId: string, issuer: string) {
  const key = createPrivateKey(privateKey);
  return (): Promise<string> =>
    new SignJWT()
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .setIssuer(teamId)
      .setSubject(clientId)
      .setAudience(issuer)
      .setIssuedAt()
      .setExpirationTime(SECRET_TTL)
      .sign(key);
}

/**
 * The name in the callback of the first sign-in; ID tokens have none. It is not signed: the person may have changed it, as they may
 * change a display name.
 */
export function appleName(callback: URL): string | null {
  const { name } = parse(callback.searchParams.get('user'));
  if (!isJsonObject(name)) return null;
  const parts = [name['firstName'], name['lastName']].filter((part) => typeof part === 'string');
  return parts.join(' ').trim() || null;
}

function parse(text: string | null): { readonly name?: unknown } {
  try {
    const value = JSON.parse(text ?? '') as unknown;
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
