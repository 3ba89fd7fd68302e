/** Access tokens with scopes of the test's choice, signed with the app's own key. */
import { createAccessTokens, type AccessTokens, type TokenSession } from '../../src/sessions/access-tokens.js';
import { createSigningKeys } from '../../src/signing-keys/service.js';
import type { TestApp } from './app.js';

export interface Subject {
  readonly userId: string;
  readonly sessionId: string;
  readonly scopes: readonly string[];
}

/** Access tokens as the app signs and verifies them. */
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

/** A session whose person has just logged in, and which never ends. */
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

/** Signs as the app does; the session must be one of its own to be let in. */
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
