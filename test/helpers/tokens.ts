/** Access tokens with any scopes, signed with the app's key. */
import { createAccessTokens, type AccessTokens, type TokenSession } from '../../src/sessions/access-tokens.js';
import { createSigningKeys } from '../../src/signing-keys/service.js';
import type { TestApp } from './app.js';

export interface Subject {
  readonly userId: string;
  readonly sessionId: string;
  readonly scopes: readonly string[];
}

/** Creates access tokens like the app's. */
export async function testAccessTokens({ db, clock, config }: TestApp): Promise<AccessTokens> {
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
  return createAccessTokens({ keys, clock, issuer, accessTtlMs });
}

/** A session with a login at this moment, which does not expire. */
export function tokenSession(id: string): TokenSession {
  return {
    id,
    clientId: null,
    expiresAt: new Date(8.64e15),
    authenticatedAt: new Date(),
    amr: ['pwd'],
    accessEpoch: 0,
  };
}

/** Signs tokens like the app. The app only accepts tokens of stored sessions. */
export async function tokenSigner(app: TestApp): Promise<(subject: Subject) => string> {
  const tokens = await testAccessTokens(app);
  return ({ sessionId, ...subject }) => tokens.sign({ ...subject, session: tokenSession(sessionId) }).token;
}

/** The claims of a token, unverified. */
export const claimsOf = (token: string): Record<string, unknown> => partOf(token, 1);

/** The header of a token. */
export const headerOf = (token: string): Record<string, unknown> => partOf(token, 0);

function partOf(token: string, index: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()) as Record<string, unknown>;
}
