/** Dynamic client registration (RFC 7591): clients register themselves, with the rights of a stranger's application. */
import { timingSafeEqual } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../../audit/audit.js';
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { Database, Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import type { RateLimits } from '../../rate-limits/service.js';
import type { OAuthClient } from '../clients/client.js';
import { createClientRepository } from '../clients/repository.js';
import { addSecret } from '../clients/secrets.js';
import { OAuthError } from '../error.js';
import { hashSecret } from '../secret.js';
import { grantTypeNames, readMetadata } from './metadata.js';
import { createRegistrationRepository } from './repository.js';

export interface Registration {
  /**
   * Registers a client.
   * @param token the bearer token of the request
   * @returns the response of RFC 7591 section 3.2.1
   * @throws OAuthError invalid_token, invalid_redirect_uri, invalid_client_metadata; AppError RATE_LIMIT_EXCEEDED
   */
  register(metadata: unknown, token: string | undefined, from: ClientInfo): Promise<Readonly<Record<string, unknown>>>;
  /** Deletes up to `limit` unused clients that registered themselves over a week ago; returns the number deleted. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface RegistrationOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly rateLimits: Pick<RateLimits, 'charge'>;
  readonly scopes: ScopeCatalogue;
  /** OAUTH_REGISTRATION_TOKEN; undefined if anybody may register. */
  readonly initialToken?: string | undefined;
}

/** Audited for a wrong token. The rate bounds how many. */
const REFUSED = {
  type: 'oauth_client.auth_failed',
  userId: null,
  detail: 'registration token',
} as const;
const RATE = { max: 20, windowMs: 3_600_000 };
const RETENTION_MS = 7 * 86_400_000;

export function createRegistration(options: RegistrationOptions): Registration {
  const { db, clock, audit, rateLimits, scopes, initialToken } = options;

  return {
    async register(metadata, token, from) {
      await rateLimits.charge(`oauth.register|${from.network}`, RATE, { userId: null, client: from });
      if (initialToken !== undefined && !isSame(initialToken, token ?? '')) {
        await db.transaction((tx) => audit.record(tx, { ...REFUSED, client: from }));
        throw new OAuthError('invalid_token', 'The registration token is missing or wrong.');
      }
      const { settings, method } = readMetadata(metadata, scopes, 'client_secret_basic');
      return db.transaction(async (tx) => {
        const now = new Date(clock.now());
        const id = uuidv7();
        const client: OAuthClient = {
          ...settings,
          id,
          source: 'REGISTRATION',
          serviceAccountId: null,
          createdAt: now,
          updatedAt: now,
          disabledAt: null,
        };
        await createClientRepository(tx).insert(client);
        const secret = client.authMethod === 'CLIENT_SECRET' ? await addSecret(tx, id, now) : undefined;
        await audit.record(tx, { type: 'oauth_client.registered', userId: null, client: from, detail: id });
        return response(client, method, secret);
      });
    },

    clear: (tx, limit) => createRegistrationRepository(tx).deleteUnused(new Date(clock.now() - RETENTION_MS), limit),
  };
}

/** RFC 7591 section 3.2.1. */
function response(client: OAuthClient, method: string, secret: string | undefined): Record<string, unknown> {
  return {
    client_id: client.id,
    client_id_issued_at: Math.floor(client.createdAt.getTime() / 1000),
    ...(secret === undefined ? {} : { client_secret: secret, client_secret_expires_at: 0 }),
    client_name: client.name,
    redirect_uris: client.redirectUris,
    ...(client.postLogoutRedirectUris.length === 0 ? {} : { post_logout_redirect_uris: client.postLogoutRedirectUris }),
    token_endpoint_auth_method: method,
    grant_types: grantTypeNames(client.grantTypes),
    response_types: client.grantTypes.includes('AUTHORIZATION_CODE') ? ['code'] : [],
    scope: client.scopes.join(' '),
    ...(client.jwks ? { jwks: client.jwks } : {}),
  };
}

function isSame(expected: string, presented: string): boolean {
  return timingSafeEqual(Buffer.from(hashSecret(expected)), Buffer.from(hashSecret(presented)));
}
