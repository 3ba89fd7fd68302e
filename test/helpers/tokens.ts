/** Access tokens with scopes of the test's choice, signed with the app's own key. */
import { createAccessTokens } from '../../src/tokens/access-tokens.js';
import { createSigningKeys } from '../../src/tokens/signing-keys.js';
import type { TestApp } from './app.js';

export interface Subject {
  readonly userId: string;
  readonly sessionId: string;
  readonly scopes: readonly string[];
}

/** Signs as the app does; the session must be one of its own to be let in. */
export async function tokenSigner({ db, clock, config }: TestApp): Promise<(subject: Subject) => string> {
  const issuer = config.publicUrl!;
  const { algorithm, secretKey, accessTtlMs } = config.jwt;
  const keys = await createSigningKeys({
    db,
    clock,
    secrets: config.authSecrets,
    algorithm,
    secretKey,
    accessTtlMs,
    issuer,
  });
  const tokens = createAccessTokens({ keys, clock, issuer, accessTtlMs });
  return (subject) => tokens.sign({ ...subject, sessionExpiresAt: new Date(8.64e15) }).token;
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
