/** OAuth clients and authorization codes for tests, written without the endpoints that make them. */
import { randomUUID } from 'node:crypto';
import { createAuthorizationCodes, type Authorization } from '../../src/oauth/codes/service.js';
import type { OAuthClient } from '../../src/oauth/clients/client.js';
import { createClientRepository } from '../../src/oauth/clients/repository.js';
import { hashSecret, randomSecret } from '../../src/oauth/secret.js';
import type { TestApp } from './app.js';

export const REDIRECT_URI = 'https://app.example.com/callback';

export interface SeededClient {
  readonly client: OAuthClient;
  readonly secret: string;
}

/** Stores a client: by default confidential, with a secret, all user scopes and no PKCE. */
export async function seedClient(
  { db, clock }: Pick<TestApp, 'db' | 'clock'>,
  overrides: Partial<OAuthClient> = {},
): Promise<SeededClient> {
  const now = new Date(clock.now());
  const client: OAuthClient = {
    id: randomUUID(),
    name: 'Bayit+ for TV',
    type: 'CONFIDENTIAL',
    authMethod: 'CLIENT_SECRET',
    redirectUris: [REDIRECT_URI],
    postLogoutRedirectUris: [],
    grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'],
    scopes: ['openid', 'profile', 'email', 'read:content', 'read:profile', 'write:profile', 'read:history'],
    requirePkce: false,
    firstParty: false,
    mayIntrospect: false,
    jwks: null,
    backchannelLogoutUri: null,
    source: 'ADMINISTRATOR',
    serviceAccountId: null,
    createdAt: now,
    updatedAt: now,
    disabledAt: null,
    ...overrides,
  };
  const secret = randomSecret();
  const repository = createClientRepository(db.executor);
  await repository.insert(client);
  if (client.authMethod === 'CLIENT_SECRET')
    await repository.insertSecret({
      id: randomUUID(),
      clientId: client.id,
      secretHash: hashSecret(secret),
      createdAt: now,
      expiresAt: null,
    });
  return { client, secret };
}

/** An authorization code that a person gave the client, signed in with a password just now. */
export async function issueCode(
  { db, clock }: Pick<TestApp, 'db' | 'clock'>,
  userId: string,
  { client }: Pick<SeededClient, 'client'>,
  overrides: Partial<Authorization> = {},
): Promise<string> {
  const codes = createAuthorizationCodes({ clock });
  return db.transaction((tx) =>
    codes.issue(tx, {
      clientId: client.id,
      userId,
      browserSessionId: randomUUID(),
      redirectUri: client.redirectUris[0]!,
      codeChallenge: null,
      nonce: null,
      resources: [],
      scopes: ['read:content', 'read:profile'],
      authenticatedAt: new Date(clock.now()),
      amr: ['pwd'],
      ...overrides,
    }),
  );
}
