/**
 * Authenticates clients (RFC 6749 section 2.3): `client_secret_post`, `client_secret_basic`, `private_key_jwt` (RFC 7523), or
 * none for public clients. Every refusal has the same answer, and takes as long for an unknown client as for a wrong secret.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { OAuthError } from '../error.js';
import { hashSecret, randomSecret } from '../secret.js';
import { createAssertionRepository } from './assertion-repository.js';
import { subjectOfAssertion, verifyAssertion } from './assertion.js';
import type { ClientSecret, OAuthClient } from './client.js';
import { createClientRepository } from './repository.js';

/** What a client presents. `clientId` of an assertion is the parameter, which may be left out. */
export type ClientCredentials =
  | { readonly method: 'none'; readonly clientId: string }
  | { readonly method: 'client_secret'; readonly clientId: string; readonly secret: string }
  | { readonly method: 'private_key_jwt'; readonly clientId: string | undefined; readonly assertion: string };

/** @throws InvalidClient */
export type AuthenticateClient = (credentials: ClientCredentials) => Promise<OAuthClient>;

export interface ClientAuthenticationOptions {
  readonly db: Database;
  readonly clock: Clock;
  /** The accepted audiences of assertions: the issuer and the URL of the token endpoint. */
  readonly audiences: readonly string[];
}

/** Identifiers of other characters exist in no table, and Postgres refuses some. */
const CLIENT_ID = /^[\x21-\x7e]{1,2048}$/;
/** The most secrets that a client has: the current one, and a former one during the overlap of a rotation. */
const MAX_SECRETS = 2;
/** Compared with in place of a secret that the client does not have. */
const NO_SECRET = hashSecret(randomSecret());

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
    const verified = verifyAssertion(credentials.assertion, found?.client, audiences, now);
    if (!verified || found?.client.authMethod !== 'PRIVATE_KEY_JWT' || found.client.disabledAt) return false;
    return assertions.use(found.client.id, hashSecret(verified.jti), verified.expiresAt);
  }

  return async (credentials) => {
    const clientId = clientIdOf(credentials);
    if (clientId === undefined || !CLIENT_ID.test(clientId)) throw new InvalidClient();
    const found = await repository.findWithSecrets(clientId);
    if (!(await isAuthentic(credentials, found)) || !found || found.client.disabledAt)
      throw new InvalidClient(found?.client.id);
    return found.client;
  };
}

/** Undefined if the parameter contradicts the assertion (RFC 7521 section 4.2). */
function clientIdOf(credentials: ClientCredentials): string | undefined {
  if (credentials.method !== 'private_key_jwt') return credentials.clientId;
  const subject = subjectOfAssertion(credentials.assertion);
  return credentials.clientId === undefined || credentials.clientId === subject ? subject : undefined;
}

/** Whether the secret is one that is not expired. Compares with the same number of hashes for every client, known or not. */
function isOneOf(secret: string, secrets: readonly ClientSecret[], now: number): boolean {
  const presented = Buffer.from(hashSecret(secret));
  const usable = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > now);
  const hashes = usable.map(({ secretHash }) => secretHash);
  while (hashes.length < MAX_SECRETS) hashes.push(NO_SECRET);
  return hashes.filter((hash) => timingSafeEqual(presented, Buffer.from(hash))).length > 0;
}

/** Failed client authentication: `invalid_client`, with the same message for every reason. */
export class InvalidClient extends OAuthError {
  /** The client that the request named, if there is one. For the audit log, never for the response. */
  readonly clientId: string | undefined;

  constructor(clientId?: string) {
    super('invalid_client', 'Client authentication failed.');
    this.clientId = clientId;
  }
}
