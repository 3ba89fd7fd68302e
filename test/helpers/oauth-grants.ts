/** Grants of OAuth clients for tests, written without the endpoints that make them. */
import { randomUUID } from 'node:crypto';
import { oauthServiceGrants, serviceAccounts } from '../../src/db/schema/index.js';
import { createSessionRepository } from '../../src/sessions/repository.js';
import type { SessionRecord } from '../../src/sessions/session.js';
import type { TestApp } from './app.js';
import { testAccessTokens } from './tokens.js';

type Seeding = Pick<TestApp, 'db' | 'clock'>;

/** Stores a live grant of a client. */
export async function seedGrant(
  { db, clock }: Seeding,
  userId: string,
  clientId: string,
  overrides: Partial<SessionRecord> = {},
): Promise<SessionRecord> {
  const at = new Date(clock.now());
  const session: SessionRecord = {
    id: randomUUID(),
    userId,
    clientId,
    scopes: ['read:content', 'read:profile'],
    resources: [],
    browserSessionId: randomUUID(),
    generation: 0,
    rotatedAt: at,
    rememberMe: false,
    createdAt: at,
    authenticatedAt: at,
    amr: ['pwd'],
    accessEpoch: 0,
    lastUsedAt: at,
    expiresAt: new Date(clock.now() + 86_400_000),
    endedAt: null,
    ipAddress: '192.0.2.1',
    userAgent: null,
    ...overrides,
  };
  await createSessionRepository(db.executor).insert(session);
  return session;
}

/** Signs access tokens of grants like the app. */
export async function grantSigner(app: TestApp): Promise<(session: SessionRecord) => string> {
  const tokens = await testAccessTokens(app);
  return (session) => tokens.sign({ userId: session.userId, session, scopes: session.scopes ?? [] }).token;
}

/** Stores a service account. */
export async function seedServiceAccount({ db, clock }: Seeding, scopes = ['read:content']): Promise<string> {
  const id = randomUUID();
  const at = new Date(clock.now());
  await db.executor.insert(serviceAccounts).values({ id, name: 'Importer', scopes, createdAt: at, updatedAt: at });
  return id;
}

/** Stores a live grant of client credentials; returns its id. */
export async function seedServiceGrant(
  { db, clock }: Seeding,
  clientId: string,
  serviceAccountId: string,
  scopes = ['read:content'],
): Promise<string> {
  const id = randomUUID();
  const createdAt = new Date(clock.now());
  const expiresAt = new Date(clock.now() + 3_600_000);
  await db.executor.insert(oauthServiceGrants).values({ id, clientId, serviceAccountId, scopes, createdAt, expiresAt });
  return id;
}
