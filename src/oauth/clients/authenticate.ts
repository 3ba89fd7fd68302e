/**
 * Authenticates clients (RFC 6749 section 2.3): `client_secret_post`, `client_secret_basic`, `private_key_jwt` (RFC 7523), or
 * none for public clients. Every refusal has the same answer, and takes as long for an unknown client as for a wrong secret.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { OAuthError } from '../error.js';
import { hashSecret } from '../secret.js';
import { createAssertionRepository } from './assertion-repository.js';
import { subjectOfAssertion, verifyAssertion } from './assertion.js';
import type { ClientSecret, OAuthClient } from './client.js';
import { createClientRepository } from './repository.js';

/** What a client presents. `clientId` of an assertion is the parameter, which may be left out. */
export type ClientCredentials =
  | { readonly method: 'none'; readonly clientId: string }
  | { readonly method: 'client_secret'; readonly clientId: string; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly clientId: string | undefined; readonly assertion: string };

/** @throws OAuthError invalid_client */
export type AuthenticateClient = (credentials: ClientCredentials) => Promise<OAuthClient>;

export interface ClientAuthenticationOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** The accepted audiences of assertions: the issuer and the URL of the token endpoint. */
  readonly audiences: readonly string[];
}

/** Identifiers of other characters exist in no table, and Postgres refuses some. */
const CLIENT_ID = /^[\x21-\x7e]{1,2048}$/;
/** Compared with if there is no secret. */
const NO_SECRET = hashSecret('');

export function createClientAuthentication(options: ClientAuthenticationOptions): AuthenticateClient {
  const { db, clock, audiences } = options;
  const repository = createClientRepository(db.executor);
  const assertions = createAssertionRepository(db.executor);

  async function isAuthentic(
    credentials: ClientCredentials,
    found: { readonly client: OAuthClient; readonly secrets: readonly ClientSecret[] } | undefined,
  ): Promise<boolean> {
    const now = clock.now();
    if (credentials.method === 'none') return found?.client.authMethod === 'NONE';
    if (credentials.method === 'client_secret') {
      const matches = isOneOf(credentials.secret, found?.secrets ?? [], now);
      return matches && found?.client.authMethod === 'CLIENT_SECRET';
    }
    if (found?.client.authMethod !== 'PRIVATE_KEY_JWT' || found.client.disabledAt) return false;
    const verified = verifyAssertion(credentials.assertion, found.client, audiences, now);
    return verified !== undefined && assertions.use(found.client.id, hashSecret(verified.jti), verified.expiresAt);
  }

  return async (credentials) => {
    const clientId = clientIdOf(credentials);
    if (clientId === undefined || !CLIENT_ID.test(clientId)) throw invalidClient();
    const found = await repository.findWithSecrets(clientId);
    if (!(await isAuthentic(credentials, found)) || !found || found.client.disabledAt) throw invalidClient();
    return found.client;
  };
}

/** Undefined if the parameter contradicts the assertion (RFC 7521 section 4.2). */
function clientIdOf(credentials: ClientCredentials): string | undefined {
  if (credentials.method !== 'private_key_jwt') return credentials.clientId;
  const subject = subjectOfAssertion(credentials.assertion);
  return credentials.clientId === undefined || credentials.clientId === subject ? subject : undefined;
}

/** Whether the secret is one that is not expired. Compares with as many hashes as a client can have. */
function isOneOf(secret: string, secrets: readonly ClientSecret[], now: number): boolean {
  const presented = Buffer.from(hashSecret(secret));
  const usable = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now);
  let matches = false;
  for (const { secretHash } of [...usable, { secretHash: NO_SECRET }])
    if (timingSafeEqual(presented, Buffer.from(secretHash)) && secretHash !== NO_SECRET) matches = true;
  return matches;
}

/** The same error for every reason. */
export function invalidClient(): OAuthError {
  return new OAuthError('invalid_client', 'Client authentication failed.');
}
