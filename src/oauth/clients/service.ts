/** Administration of OAuth clients. Every change is audited with the administrator who made it. */
import { v7 as uuidv7 } from 'uuid';
import type { Audit } from '../../audit/audit.js';
import type { AuditType } from '../../audit/event.js';
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import { parseDuration } from '../../config/readers.js';
import type { Database, Executor } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { AppError, validationError, type FieldError } from '../../lib/errors.js';
import { isId, page, TEXT_CURSOR, type Connection, type PageArguments } from '../../lib/paging.js';
import type { OAuthClient } from './client.js';
import { isClientId } from './id.js';
import type { ClientActor, ClientGrants } from './grants.js';
import { assertUpdatable, mergeChanges, newSettings, type ClientInput, type ClientUpdate } from './input.js';
import { createClientRepository } from './repository.js';
import { addSecret } from './secrets.js';
import { createClientAccountRepository } from './service-account-repository.js';
import { changedFields, checkSettings, isClientScope, type GivenSettings } from './settings.js';

/** A client with a secret that is shown once; null for a client that has none. */
export interface ClientWithSecret {
  readonly client: OAuthClient;
  readonly secret: string | null;
}

/** Methods that take an id: @throws AppError NOT_FOUND if there is no such client. */
export interface OAuthClients {
  /** @throws AppError VALIDATION_ERROR for invalid pagination arguments */
  list(args: PageArguments & { readonly search?: string | null | undefined }): Promise<Connection<OAuthClient>>;
  /** Null if there is none. */
  find(id: string): Promise<OAuthClient | null>;
  /** @throws AppError VALIDATION_ERROR with every error */
  create(input: ClientInput, by: ClientActor): Promise<ClientWithSecret>;
  /** Takes effect at once, on grants as well. @throws AppError VALIDATION_ERROR with every error */
  update(id: string, input: ClientUpdate, by: ClientActor): Promise<OAuthClient>;
  /**
   * Replaces the secret.
   * @param overlap how long the former secret stays valid, such as `1h`; at most 30 days
   * @throws AppError VALIDATION_ERROR for a client without a secret, or an invalid overlap
   */
  rotateSecret(id: string, overlap: string, by: ClientActor): Promise<ClientWithSecret>;
  /** Deletes a client, ends its grants, and deletes the service account that was created with it. */
  delete(id: string, by: ClientActor): Promise<void>;
}

export interface OAuthClientsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly scopes: ScopeCatalogue;
  readonly grants: ClientGrants;
}

const MAX_OVERLAP_MS = 30 * 86_400_000;

export function createOAuthClients({ db, clock, audit, scopes, grants }: OAuthClientsOptions): OAuthClients {
  const repository = createClientRepository(db.executor);

  const record = (tx: Executor, type: AuditType, by: ClientActor, detail: string) =>
    audit.record(tx, { type, userId: null, ...by, detail });

  /** @param known scopes that are accepted although the deployment has them no longer */
  function check(given: GivenSettings, known: readonly string[], further: readonly FieldError[]) {
    const { settings, errors } = checkSettings(given, (scope) => isClientScope(scopes, scope) || known.includes(scope));
    if (errors.length + further.length > 0) throw validationError([...errors, ...further]);
    return settings;
  }

  /** Creates the service account of a client's own. */
  async function createAccount(tx: Executor, client: Pick<OAuthClient, 'id' | 'name' | 'scopes'>): Promise<string> {
    // Clients of administrators have UUIDs; others have no client credentials.
    const id = isId(client.id) ? client.id : uuidv7();
    const now = new Date(clock.now());
    await createClientAccountRepository(tx).insert({
      id,
      name: client.name,
      scopes: client.scopes.filter((scope) => !IDENTITY_SCOPES.has(scope)),
      createdAt: now,
      updatedAt: now,
    });
    return id;
  }

  async function accountErrors(id: string | null, grantTypes: readonly string[]): Promise<FieldError[]> {
    const field = 'serviceAccountId';
    if (id === null) return [];
    if (!grantTypes.includes('CLIENT_CREDENTIALS')) return [{ field, message: 'is for CLIENT_CREDENTIALS only' }];
    const exists = isId(id) && (await createClientAccountRepository(db.executor).exists(id));
    return exists ? [] : [{ field, message: 'is not a service account' }];
  }

  async function lock(tx: Executor, id: string): Promise<OAuthClient> {
    const client = isClientId(id) ? await createClientRepository(tx).lock(id) : undefined;
    if (!client) throw notFound();
    return client;
  }

  /** What a change means for the grants that exist. */
  async function applyToGrants(tx: Executor, before: OAuthClient, after: OAuthClient, by: ClientActor) {
    const { id } = after;
    if (after.disabledAt && !before.disabledAt) return grants.end(tx, id, 'disabled', by);
    if (before.scopes.some((scope) => !after.scopes.includes(scope))) await grants.narrow(tx, id, after.scopes, by);
    const hadCredentials = before.grantTypes.includes('CLIENT_CREDENTIALS');
    if (hadCredentials && !after.grantTypes.includes('CLIENT_CREDENTIALS'))
      await grants.endServiceGrants(tx, id, 'CLIENT_CREDENTIALS removed', by);
  }

  return {
    async list({ search, ...args }) {
      const text = search == null || search.trim() === '' ? undefined : search.trim();
      return page(
        args,
        async (request) => (text !== undefined && !isClientId(text) ? [] : repository.list(request, text)),
        TEXT_CURSOR,
      );
    },

    async find(id) {
      return isClientId(id) ? ((await repository.find(id)) ?? null) : null;
    },

    async create(input, by) {
      const given = newSettings(input, scopes);
      const accountId = input.serviceAccountId ?? null;
      const settings = check(given, [], await accountErrors(accountId, given.grantTypes));
      return db.transaction(async (tx) => {
        const now = new Date(clock.now());
        const id = uuidv7();
        const needsAccount = settings.grantTypes.includes('CLIENT_CREDENTIALS') && accountId === null;
        const client: OAuthClient = {
          ...settings,
          id,
          source: 'ADMINISTRATOR',
          serviceAccountId: needsAccount ? await createAccount(tx, { ...settings, id }) : accountId,
          createdAt: now,
          updatedAt: now,
          disabledAt: null,
        };
        await createClientRepository(tx).insert(client);
        const secret = client.authMethod === 'CLIENT_SECRET' ? await addSecret(tx, id, now) : null;
        await record(tx, 'oauth_client.created', by, id);
        return { client, secret };
      });
    },

    async update(id, input, by) {
      return db.transaction(async (tx) => {
        const before = await lock(tx, id);
        assertUpdatable(before, input);
        const settings = check(mergeChanges(before, input), before.scopes, []);
        const now = new Date(clock.now());
        const disabledAt =
          input.disabled == null ? before.disabledAt : input.disabled ? (before.disabledAt ?? now) : null;
        const changed = changedFields(before, settings);
        const toggled = (disabledAt === null) !== (before.disabledAt === null);
        if (changed.length === 0 && !toggled) return before;

        const needsAccount = settings.grantTypes.includes('CLIENT_CREDENTIALS') && before.serviceAccountId === null;
        const serviceAccountId = needsAccount ? await createAccount(tx, { ...settings, id }) : before.serviceAccountId;
        const changes = { ...settings, serviceAccountId, disabledAt, updatedAt: now };
        const after = await createClientRepository(tx).update(id, changes);
        if (!after) throw notFound();
        await applyToGrants(tx, before, after, by);
        if (changed.length > 0) await record(tx, 'oauth_client.updated', by, `${id}: ${changed.join(' ')}`);
        if (toggled) await record(tx, disabledAt ? 'oauth_client.disabled' : 'oauth_client.enabled', by, id);
        return after;
      });
    },

    async rotateSecret(id, overlap, by) {
      const overlapMs = parseDuration(overlap);
      if (overlapMs === undefined || overlapMs > MAX_OVERLAP_MS)
        throw validationError([{ field: 'overlap', message: 'must be a duration of at most 30d, such as 1h' }]);
      return db.transaction(async (tx) => {
        // The lock makes parallel rotations follow each other: one current secret stays, and at most one former.
        const client = await lock(tx, id);
        if (client.authMethod !== 'CLIENT_SECRET')
          throw validationError([{ field: 'id', message: 'is of a client without a secret' }]);
        const now = clock.now();
        await createClientRepository(tx).retireSecrets(id, new Date(now + overlapMs));
        const secret = await addSecret(tx, id, new Date(now));
        await record(tx, 'oauth_client.secret_rotated', by, `${id}: overlap ${overlap}`);
        return { client, secret };
      });
    },

    async delete(id, by) {
      await db.transaction(async (tx) => {
        const client = await lock(tx, id);
        await grants.end(tx, id, 'deleted', by);
        await createClientRepository(tx).delete(id);
        if (client.serviceAccountId === id) await createClientAccountRepository(tx).delete(id);
        await record(tx, 'oauth_client.deleted', by, id);
      });
    },
  };
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'The OAuth client does not exist.');
}
