/** Administration of service accounts and their keys. Every change is audited with its actor. */
import { v7 as uuidv7 } from 'uuid';
import type { ApiKeyRecord, CreatedApiKey } from '../api-keys/api-key.js';
import type { ApiKeyFormat } from '../api-keys/format.js';
import { checkKeyInput, type ApiKeyInput } from '../api-keys/input.js';
import { issueApiKey } from '../api-keys/issue.js';
import { createApiKeyRepository } from '../api-keys/repository.js';
import type { Actor, Audit } from '../audit/audit.js';
import type { AuditType } from '../audit/event.js';
import type { ScopeCatalogue } from '../authz/scopes.js';
import type { Database, Executor } from '../db/database.js';
import { createBatches } from '../db/batches.js';
import type { Clock } from '../lib/clock.js';
import { AppError, validationError } from '../lib/errors.js';
import { isId, page, type Connection, type PageArguments } from '../lib/paging.js';
import { checkDisplayName, createFieldErrors } from '../users/input.js';
import { createServiceAccountRepository } from './repository.js';
import type { ServiceAccountRecord } from './service-account.js';

export interface NewServiceAccount {
  readonly name: string;
  readonly scopes: readonly string[];
}

/** An omitted field stays unchanged. `null` is rejected, because none of them can be cleared. */
export interface ServiceAccountChanges {
  readonly name?: string | null | undefined;
  readonly scopes?: readonly string[] | null | undefined;
  readonly disabled?: boolean | null | undefined;
}

/** Methods that take an id: @throws AppError NOT_FOUND if there is no such service account. */
export interface ServiceAccounts {
  /** Newest first. @throws AppError VALIDATION_ERROR for invalid pagination arguments */
  list(
    args: PageArguments & { readonly search?: string | null | undefined },
  ): Promise<Connection<ServiceAccountRecord>>;
  /** The keys that are not revoked, oldest first. Concurrent calls share a statement. */
  keysOf(id: string): Promise<readonly ApiKeyRecord[]>;
  /** @throws AppError VALIDATION_ERROR */
  create(input: NewServiceAccount, by: Actor): Promise<ServiceAccountRecord>;
  /** While it is disabled, all its credentials are refused. @throws AppError VALIDATION_ERROR */
  update(id: string, changes: ServiceAccountChanges, by: Actor): Promise<ServiceAccountRecord>;
  /** Deletes it with its keys and the grants of its client credentials. */
  remove(id: string, by: Actor): Promise<void>;
  /** @throws AppError VALIDATION_ERROR */
  createKey(id: string, input: ApiKeyInput, by: Actor): Promise<CreatedApiKey>;
  /** @throws AppError NOT_FOUND for an unknown or revoked key, and for a key of an account */
  revokeKey(keyId: string, by: Actor): Promise<void>;
}

export interface ServiceAccountsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly format: ApiKeyFormat;
  readonly scopes: ScopeCatalogue;
}

export function createServiceAccounts({ db, clock, audit, format, scopes }: ServiceAccountsOptions): ServiceAccounts {
  const repository = createServiceAccountRepository(db.executor);
  const keys = createBatches(createApiKeyRepository(db.executor).listOfServiceAccounts, ({ id }) => id);

  const record = (tx: Executor, type: AuditType, serviceAccountId: string, by: Actor, more: Recorded = {}) =>
    audit.record(tx, { type, userId: null, serviceAccountId, ...by, ...more });

  function check({ name, scopes: wanted }: Pick<ServiceAccountChanges, 'name' | 'scopes'>) {
    const errors = createFieldErrors();
    const checkedName = name == null ? undefined : errors.take('name', checkDisplayName(name));
    if (wanted?.some((scope) => !scopes.all.has(scope)))
      errors.add('scopes', `must be among ${[...scopes.all].join(' ')}`);
    if (errors.all.length > 0) throw validationError(errors.all);
    return { name: checkedName, scopes: wanted == null ? undefined : [...new Set(wanted)] };
  }

  return {
    async list({ search, ...args }) {
      const prefix = search?.trim() || undefined;
      return page(args, (request) => repository.list(request, prefix));
    },

    async keysOf(id) {
      const found = await (keys.waiting(id) ?? keys.add(id, id));
      return found?.keys ?? [];
    },

    async create(input, by) {
      const { name, scopes: granted } = check(input);
      const now = new Date(clock.now());
      const times = { createdAt: now, updatedAt: now, disabledAt: null };
      const account = { id: uuidv7(), name: name ?? input.name, scopes: granted ?? [], ...times };
      await db.transaction(async (tx) => {
        await createServiceAccountRepository(tx).insert(account);
        await record(tx, 'service_account.created', account.id, by);
      });
      return account;
    },

    async update(id, input, by) {
      const errors = createFieldErrors();
      for (const [field, value] of Object.entries(input)) if (value === null) errors.add(field, 'cannot be cleared');
      if (errors.all.length > 0) throw validationError(errors.all);
      const { name, scopes: granted } = check(input);
      assertId(id);
      return db.transaction(async (tx) => {
        const accounts = createServiceAccountRepository(tx);
        const before = await accounts.lock(id);
        if (!before) throw notFound();
        const now = new Date(clock.now());
        const isDisabled = before.disabledAt !== null;
        const disabled = input.disabled == null || input.disabled === isDisabled ? undefined : input.disabled;
        const columns = {
          ...(name === undefined || name === before.name ? {} : { name }),
          ...(granted === undefined ? {} : { scopes: granted }),
        };
        const state = disabled === undefined ? {} : { disabledAt: disabled ? now : null };
        const changed = Object.keys(columns).join(' ');
        if (changed === '' && disabled === undefined) return before;
        const after = await accounts.update(id, { ...columns, ...state, updatedAt: now });
        if (changed !== '') await record(tx, 'service_account.updated', id, by, { detail: changed });
        if (disabled !== undefined)
          await record(tx, disabled ? 'service_account.disabled' : 'service_account.enabled', id, by);
        return after ?? before;
      });
    },

    async remove(id, by) {
      assertId(id);
      await db.transaction(async (tx) => {
        if (!(await createServiceAccountRepository(tx).remove(id))) throw notFound();
        await record(tx, 'service_account.deleted', id, by);
      });
    },

    async createKey(id, input, by) {
      assertId(id);
      return db.transaction(async (tx) => {
        const account = await createServiceAccountRepository(tx).lock(id);
        if (!account) throw notFound();
        const now = clock.now();
        const checked = checkKeyInput(input, new Set(account.scopes.filter((scope) => scopes.all.has(scope))), now);
        const created = await issueApiKey(tx, format, { serviceAccountId: id }, checked, new Date(now));
        await record(tx, 'api_key.created', id, by, { apiKeyId: created.apiKey.id });
        return created;
      });
    },

    async revokeKey(keyId, by) {
      await db.transaction(async (tx) => {
        const now = new Date(clock.now());
        const revoked = isId(keyId)
          ? await createApiKeyRepository(tx).revoke(keyId, 'any service account', now)
          : undefined;
        if (!revoked?.serviceAccountId) throw new AppError('NOT_FOUND', 'The API key does not exist.');
        await record(tx, 'api_key.revoked', revoked.serviceAccountId, by, { apiKeyId: keyId });
      });
    },
  };
}

interface Recorded {
  readonly apiKeyId?: string;
  readonly detail?: string;
}

function assertId(id: string): void {
  if (!isId(id)) throw notFound();
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'The service account does not exist.');
}
