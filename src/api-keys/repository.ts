/** SQL of API keys. */
import { and, asc, count, eq, gt, inArray, isNull, lt, lte, or, sql } from 'drizzle-orm';
import { accountColumns } from '../db/account-columns.js';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { apiKeys, serviceAccounts, users } from '../db/schema/index.js';
import { statement } from '../db/statement.js';
import type { AccountRecord } from '../users/account.js';
import type { ApiKeyRecord, KeyOwner, PresentedKey } from './api-key.js';

export type NewApiKeyRow = typeof apiKeys.$inferInsert;

/** The columns of a key without its hashes. */
const columns = {
  id: apiKeys.id,
  userId: apiKeys.userId,
  serviceAccountId: apiKeys.serviceAccountId,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  networks: apiKeys.networks,
  createdAt: apiKeys.createdAt,
  rotatedAt: apiKeys.rotatedAt,
  previousUntil: apiKeys.previousUntil,
  expiresAt: apiKeys.expiresAt,
  lastUsedAt: apiKeys.lastUsedAt,
};

const { id, scopes, networks, expiresAt, lastUsedAt, previousUntil, secretHash, previousHash, revokedAt } = apiKeys;
const presentedColumns = {
  key: { id, scopes, networks, expiresAt, lastUsedAt, previousUntil, secretHash, previousHash, revokedAt },
  account: accountColumns,
  serviceAccount: {
    id: serviceAccounts.id,
    scopes: serviceAccounts.scopes,
    disabledAt: serviceAccounts.disabledAt,
  },
};

/** A row of a left join: the columns of a missing owner are null. */
interface PresentedRow {
  readonly key: PresentedKey['key'];
  readonly account: AccountRecord | { readonly id: null };
  readonly serviceAccount: NonNullable<PresentedKey['serviceAccount']> | { readonly id: null };
}

const readPresented = statement<PresentedRow[]>(
  presentedColumns,
  (executor) =>
    // Cast: Drizzle types a missing owner as one null, and the reader of statements yields its columns.
    executor
      .select(presentedColumns)
      .from(apiKeys)
      .leftJoin(users, eq(users.id, apiKeys.userId))
      .leftJoin(serviceAccounts, eq(serviceAccounts.id, apiKeys.serviceAccountId))
      .where(sql`${apiKeys.id} = any(${sql.placeholder('ids')}::uuid[])`) as never,
);

/** Reads keys with their owners by id, in one statement. @param executor the database */
export function readPresentedKeys(executor: Executor) {
  return async (ids: readonly string[]): Promise<PresentedKey[]> => {
    const rows = await readPresented(executor, { ids: `{${ids.join(',')}}` });
    return rows.map(({ key, account, serviceAccount }) => ({
      key,
      account: account.id === null ? null : account,
      serviceAccount: serviceAccount.id === null ? null : serviceAccount,
    }));
  };
}

const ownedBy = (owner: KeyOwner) =>
  'userId' in owner ? eq(apiKeys.userId, owner.userId) : eq(apiKeys.serviceAccountId, owner.serviceAccountId);

/** @param executor the database, or one transaction of it */
export function createApiKeyRepository(executor: Executor) {
  const unrevoked = isNull(apiKeys.revokedAt);
  const unexpired = (now: Date) => or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now));

  return {
    async insert(row: NewApiKeyRow): Promise<ApiKeyRecord> {
      const [inserted] = await executor.insert(apiKeys).values(row).returning(columns);
      return inserted!;
    },

    /** The keys of an owner that are not revoked, expired ones included, oldest first. */
    async list(owner: KeyOwner): Promise<ApiKeyRecord[]> {
      return executor
        .select(columns)
        .from(apiKeys)
        .where(and(ownedBy(owner), unrevoked))
        .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id));
    },

    /** As `list`, for several service accounts. */
    async listOfServiceAccounts(ids: readonly string[]): Promise<{ id: string; keys: ApiKeyRecord[] }[]> {
      const rows: ApiKeyRecord[] = await executor
        .select(columns)
        .from(apiKeys)
        .where(and(inArray(apiKeys.serviceAccountId, [...ids]), unrevoked))
        .orderBy(asc(apiKeys.createdAt), asc(apiKeys.id));
      return ids.map((of) => ({ id: of, keys: rows.filter(({ serviceAccountId }) => serviceAccountId === of) }));
    },

    /** How many keys of an owner are not revoked. */
    async count(owner: KeyOwner): Promise<number> {
      const [row] = await executor
        .select({ number: count() })
        .from(apiKeys)
        .where(and(ownedBy(owner), unrevoked));
      return row!.number;
    },

    /**
     * Replaces the secret of a live key of an account in one statement, so concurrent rotations follow one another. The former
     * secret is accepted until `previousUntil`; null for no overlap. Undefined if there is no such key.
     */
    async rotate(keyId: string, userId: string, hash: string, overlapEnd: Date | null, now: Date) {
      const [row] = await executor
        .update(apiKeys)
        .set({
          secretHash: hash,
          previousHash: overlapEnd === null ? null : sql`${apiKeys.secretHash}`,
          previousUntil: overlapEnd,
          rotatedAt: now,
        })
        .where(and(eq(apiKeys.id, keyId), eq(apiKeys.userId, userId), unrevoked, unexpired(now)))
        .returning(columns);
      return row as ApiKeyRecord | undefined;
    },

    /** Revokes the key with this id if it is live and the hash is that of its current or former secret; returns its owner. */
    async revokePresented(
      keyId: string,
      presentedHash: string,
      now: Date,
    ): Promise<{ readonly userId: string | null; readonly serviceAccountId: string | null } | undefined> {
      const [row] = await executor
        .update(apiKeys)
        .set({ revokedAt: now })
        .where(
          and(
            eq(id, keyId),
            isNull(revokedAt),
            or(eq(secretHash, presentedHash), and(eq(previousHash, presentedHash), gt(previousUntil, now))),
          ),
        )
        .returning({ userId: apiKeys.userId, serviceAccountId: apiKeys.serviceAccountId });
      return row;
    },

    /** Revokes a key; undefined if there is none, or if it is revoked. @param owner any account or any service account by kind */
    async revoke(keyId: string, owner: KeyOwner | 'any user' | 'any service account', now: Date) {
      const isOwned =
        owner === 'any user'
          ? sql`${apiKeys.userId} is not null`
          : owner === 'any service account'
            ? sql`${apiKeys.serviceAccountId} is not null`
            : ownedBy(owner);
      const [row] = await executor
        .update(apiKeys)
        .set({ revokedAt: now })
        .where(and(eq(apiKeys.id, keyId), isOwned, unrevoked))
        .returning(columns);
      return row as ApiKeyRecord | undefined;
    },

    /** Revokes all keys of an account; returns how many. */
    async revokeAll(userId: string, now: Date): Promise<number> {
      const rows = await executor
        .update(apiKeys)
        .set({ revokedAt: now })
        .where(and(eq(apiKeys.userId, userId), unrevoked))
        .returning({ id: apiKeys.id });
      return rows.length;
    },

    /** Sets `lastUsedAt` of keys whose stored time is before `before`. */
    async touch(ids: readonly string[], now: Date, before: Date): Promise<void> {
      await executor
        .update(apiKeys)
        .set({ lastUsedAt: now })
        .where(and(inArray(apiKeys.id, [...ids]), or(isNull(apiKeys.lastUsedAt), lte(apiKeys.lastUsedAt, before))));
    },

    /** Deletes up to `limit` keys that were revoked or expired before `moment`, skipping locked rows. */
    deleteOver: (moment: Date, limit: number) =>
      deleteBatch(
        executor,
        apiKeys,
        apiKeys.id,
        or(lt(apiKeys.revokedAt, moment), lt(apiKeys.expiresAt, moment)),
        limit,
      ),
  };
}
