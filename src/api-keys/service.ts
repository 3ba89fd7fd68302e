/** API keys of accounts: creation, rotation, revocation and lists. */
import type { Actor, Audit } from '../audit/audit.js';
import type { Database, Executor } from '../db/database.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import { AppError } from '../lib/errors.js';
import { isId } from '../lib/paging.js';
import type { ApiKeyChange } from '../mail/api-key-changes.js';
import type { Outbox } from '../mail/outbox.js';
import { lockOwnSession } from '../sessions/own-session.js';
import type { Revoker } from '../sessions/revocation.js';
import { createAccountRepository } from '../users/repository.js';
import type { ApiKeyRecord, CreatedApiKey } from './api-key.js';
import type { ApiKeyFormat } from './format.js';
import { checkKeyInput, checkOverlap, type ApiKeyInput } from './input.js';
import { issueApiKey } from './issue.js';
import { createApiKeyRepository } from './repository.js';

export interface ApiKeys {
  /** The keys of an account that are not revoked, oldest first. */
  list(userId: string): Promise<ApiKeyRecord[]>;
  /**
   * Creates a key of the caller and notifies them.
   * @param allowed the scopes of the caller's session
   * @throws AppError VALIDATION_ERROR; INVALID_TOKEN if the session ended meanwhile
   */
  create(owner: Revoker, input: ApiKeyInput, allowed: ReadonlySet<string>): Promise<CreatedApiKey>;
  /**
   * Gives a key of the caller a new secret and notifies them.
   * @param overlap how long the former secret stays valid, such as `1h`
   * @throws AppError VALIDATION_ERROR; NOT_FOUND for an unknown, revoked or expired key
   */
  rotate(owner: Revoker, id: string, overlap: string): Promise<CreatedApiKey>;
  /** Revokes a key of the caller. @throws AppError NOT_FOUND for an unknown or revoked key */
  revoke(owner: Revoker, id: string): Promise<void>;
  /** The keys of any account, for administrators. @throws AppError NOT_FOUND for an unknown account */
  listOfUser(userId: string): Promise<ApiKeyRecord[]>;
  /** Revokes a key of any account and notifies its owner. @throws AppError NOT_FOUND for an unknown or revoked key */
  revokeOfUser(id: string, by: Actor): Promise<void>;
  /** Revokes the key with this text, of an account or a service account, and notifies its owner. Does nothing for another text. */
  revokePresented(text: string, client: ClientInfo, detail: string): Promise<void>;
  /** Deletes up to `limit` keys that were revoked or expired over 30 days ago; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface ApiKeysOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly outbox: Pick<Outbox, 'enqueue' | 'wake'>;
  readonly format: ApiKeyFormat;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs: number | undefined;
}

const RETENTION_MS = 30 * 86_400_000;

export function createApiKeys({ db, clock, audit, outbox, format, idleTtlMs }: ApiKeysOptions): ApiKeys {
  const repository = createApiKeyRepository(db.executor);

  /** Notifies the owner of a key, in the transaction of the change. */
  async function notify(tx: Executor, userId: string, change: ApiKeyChange, { client }: Pick<Actor, 'client'>) {
    const found = await createAccountRepository(tx).findById(userId);
    if (!found) return;
    const { ipAddress, userAgent } = client;
    const detail = { change, ipAddress, userAgent };
    await outbox.enqueue(tx, { kind: 'api_key_changed', userId, address: found.account.email, detail });
    db.afterCommit(tx, () => outbox.wake());
  }

  return {
    list: (userId) => repository.list({ userId }),

    async create(owner, input, allowed) {
      const { userId, sessionId, client } = owner;
      const checked = checkKeyInput(input, allowed, clock.now());
      return db.transaction(async (tx) => {
        await lockOwnSession(tx, owner, clock.now(), idleTtlMs);
        const created = await issueApiKey(tx, format, { userId }, checked, new Date(clock.now()));
        const apiKeyId = created.apiKey.id;
        await audit.record(tx, { type: 'api_key.created', userId, sessionId, apiKeyId, client });
        await notify(tx, userId, 'api_key.created', owner);
        return created;
      });
    },

    async rotate(owner, id, overlap) {
      const { userId, sessionId, client } = owner;
      const overlapMs = checkOverlap(overlap);
      if (!isId(id)) throw notFound();
      return db.transaction(async (tx) => {
        const { key, secretHash } = format.generate(id);
        const now = clock.now();
        const overlapEnd = overlapMs === 0 ? null : new Date(now + overlapMs);
        const apiKey = await createApiKeyRepository(tx).rotate(id, userId, secretHash, overlapEnd, new Date(now));
        if (!apiKey) throw notFound();
        const detail = `overlap of ${overlapMs / 1000} s`;
        await audit.record(tx, { type: 'api_key.rotated', userId, sessionId, apiKeyId: id, client, detail });
        await notify(tx, userId, 'api_key.rotated', owner);
        return { apiKey, key };
      });
    },

    async revoke({ userId, sessionId, client }, id) {
      await db.transaction(async (tx) => {
        const now = new Date(clock.now());
        if (!isId(id) || !(await createApiKeyRepository(tx).revoke(id, { userId }, now))) throw notFound();
        await audit.record(tx, { type: 'api_key.revoked', userId, sessionId, apiKeyId: id, client });
      });
    },

    async listOfUser(userId) {
      if (!isId(userId) || !(await createAccountRepository(db.executor).findById(userId)))
        throw new AppError('NOT_FOUND', 'The account does not exist.');
      return repository.list({ userId });
    },

    async revokeOfUser(id, by) {
      await db.transaction(async (tx) => {
        const now = new Date(clock.now());
        const revoked = isId(id) ? await createApiKeyRepository(tx).revoke(id, 'any user', now) : undefined;
        if (!revoked?.userId) throw notFound();
        const { userId } = revoked;
        await audit.record(tx, { type: 'api_key.revoked', userId, apiKeyId: id, ...by });
        await notify(tx, userId, 'api_key.revoked', by);
      });
    },

    async revokePresented(text, client, detail) {
      const parsed = format.parse(text);
      if (!parsed) return;
      const { id: apiKeyId, secretHash } = parsed;
      await db.transaction(async (tx) => {
        const owner = await createApiKeyRepository(tx).revokePresented(apiKeyId, secretHash, new Date(clock.now()));
        if (!owner) return;
        const { userId, serviceAccountId } = owner;
        const entry = { type: 'api_key.revoked', actorId: null, apiKeyId, client, detail } as const;
        await audit.record(tx, { ...entry, userId, ...(serviceAccountId === null ? {} : { serviceAccountId }) });
        if (userId !== null) await notify(tx, userId, 'api_key.revoked', { client });
      });
    },

    clear: (tx, limit) => createApiKeyRepository(tx).deleteOver(new Date(clock.now() - RETENTION_MS), limit),
  };
}

function notFound(): AppError {
  return new AppError('NOT_FOUND', 'The API key does not exist.');
}
