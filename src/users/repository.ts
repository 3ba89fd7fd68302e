/** SQL of accounts. */
import { and, desc, eq, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import { accountColumns } from '../db/account-columns.js';
import type { Executor } from '../db/database.js';
import { users } from '../db/schema/index.js';
import { param, statement } from '../db/statement.js';
import type { PageRequest } from '../lib/paging.js';
import type { AccountRecord } from './account.js';

/** An account with the hash of its password; null if it has none. */
export interface AccountWithHash {
  readonly account: AccountRecord;
  readonly passwordHash: string | null;
}

export type NewAccount = typeof users.$inferInsert;
/** Columns that may change. Omitted columns stay unchanged. */
export type AccountChanges = Partial<Omit<NewAccount, 'id' | 'createdAt'>>;

const usable = and(isNull(users.deletedAt), isNull(users.disabledAt));
const withHash = { account: accountColumns, passwordHash: users.passwordHash };

const readByKey = {
  email: statement(withHash, (executor) =>
    executor
      .select(withHash)
      .from(users)
      .where(eq(users.emailKey, param(users.emailKey, 'key'))),
  ),
  username: statement(withHash, (executor) =>
    executor
      .select(withHash)
      .from(users)
      .where(eq(users.usernameKey, param(users.usernameKey, 'key'))),
  ),
};

const markLoggedIn = statement(accountColumns, (executor) =>
  executor
    .update(users)
    .set({ lastLoginAt: param(users.lastLoginAt, 'now'), passwordHash: param(users.passwordHash, 'nextHash') })
    .where(
      and(
        eq(users.id, param(users.id, 'id')),
        eq(users.passwordHash, param(users.passwordHash, 'verifiedHash')),
        usable,
      ),
    )
    .returning(accountColumns),
);

/** The condition that the password hash is unchanged; none for undefined. */
const hashIs = (hash: string | null | undefined) =>
  hash === null ? isNull(users.passwordHash) : hash === undefined ? undefined : eq(users.passwordHash, hash);

/** The last code point: appended to a prefix, it sorts after every text with that prefix in byte order. */
const LAST = '\u{10ffff}';

/** Advisory lock: "ltca" in ASCII. */
const ADMINISTRATORS_LOCK = 0x6c746361;

/** @param executor the database, or one transaction of it */
export function createAccountRepository(executor: Executor) {
  return {
    /** @throws the driver's error for `users_email_key_unique` or `users_username_key_unique` */
    async insert(account: NewAccount): Promise<AccountRecord> {
      const [row] = await executor.insert(users).values(account).returning(accountColumns);
      return row!;
    },

    /** Finds an account by its normalised email address or username. */
    async findByKey(kind: 'email' | 'username', key: string): Promise<AccountWithHash | undefined> {
      const [row] = await readByKey[kind](executor, { key });
      return row;
    },

    async findById(id: string): Promise<AccountWithHash | undefined> {
      const [row] = await executor.select(withHash).from(users).where(eq(users.id, id));
      return row;
    },

    /** Whether an account other than `exceptId` has the email address or the username. */
    async findTaken(emailKey: string | undefined, usernameKey: string | undefined, exceptId?: string) {
      const wanted = [
        emailKey === undefined ? undefined : eq(users.emailKey, emailKey),
        usernameKey === undefined ? undefined : eq(users.usernameKey, usernameKey),
      ].filter((condition) => condition !== undefined);
      if (wanted.length === 0) return { email: false, username: false };
      const rows = await executor
        .select({ id: users.id, emailKey: users.emailKey, usernameKey: users.usernameKey })
        .from(users)
        .where(or(...wanted));
      const others = rows.filter((row) => row.id !== exceptId);
      return {
        email: others.some((row) => row.emailKey === emailKey),
        username: others.some((row) => row.usernameKey === usernameKey),
      };
    },

    async exists(id: string): Promise<boolean> {
      const rows = await executor.select({ deletedAt: users.deletedAt }).from(users).where(eq(users.id, id));
      return rows.some((row) => row.deletedAt === null);
    },

    /**
     * Records a login and stores `nextHash`. Undefined if the password hash is no longer `verifiedHash`, or if the account
     * was disabled or deleted meanwhile.
     */
    async markLogin(id: string, verifiedHash: string, nextHash: string, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await markLoggedIn(executor, { id, verifiedHash, nextHash, now });
      return row;
    },

    /** Records a login without a password. Undefined if the account was disabled or deleted meanwhile. */
    async recordLogin(id: string, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ lastLoginAt: now })
        .where(and(eq(users.id, id), usable))
        .returning(accountColumns);
      return row;
    },

    /**
     * Updates a usable account. Undefined if there is none, or if its password hash is no longer `verifiedHash`.
     * @param verifiedHash the hash of the verified password, or null for an account without one; left out if none was verified
     */
    async update(
      id: string,
      changes: AccountChanges,
      now: Date,
      verifiedHash?: string | null,
    ): Promise<AccountRecord | undefined> {
      const proven = hashIs(verifiedHash);
      const [row] = await executor
        .update(users)
        .set({ ...changes, updatedAt: now })
        .where(and(eq(users.id, id), usable, proven))
        .returning(accountColumns);
      return row;
    },

    /** Reads an account and locks it until the end of the transaction. */
    async lock(id: string): Promise<AccountRecord | undefined> {
      const [row] = await executor.select(accountColumns).from(users).where(eq(users.id, id)).for('no key update');
      return row;
    },

    /** Updates an account that is not deleted but may be disabled; undefined if there is none. */
    async updateUndeleted(id: string, changes: AccountChanges, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ ...changes, updatedAt: now })
        .where(and(eq(users.id, id), isNull(users.deletedAt)))
        .returning(accountColumns);
      return row;
    },

    /** Restores an account that was deleted after `deletedAfter`; undefined if there is none. */
    async restore(id: string, deletedAfter: Date, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ deletedAt: null, updatedAt: now })
        .where(and(eq(users.id, id), sql`${users.deletedAt} > ${deletedAfter.toISOString()}::timestamptz`))
        .returning(accountColumns);
      return row;
    },

    /** Reads a usable account with its normalised names and locks it until the end of the transaction. */
    async lockWithKeys(id: string) {
      const [row] = await executor
        .select({
          account: accountColumns,
          emailKey: users.emailKey,
          pendingEmailKey: users.pendingEmailKey,
          usernameKey: users.usernameKey,
        })
        .from(users)
        .where(and(eq(users.id, id), usable))
        .for('no key update');
      return row;
    },

    /**
     * The ids of all usable administrators. Serialises callers until the end of the transaction, so two administrators cannot
     * demote each other concurrently. Uses an advisory lock, because row locks could deadlock with updates of the accounts.
     */
    async lockAdministrators(): Promise<string[]> {
      await executor.execute(sql`select pg_advisory_xact_lock(${ADMINISTRATORS_LOCK})`);
      const rows = await executor
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.role, 'ADMIN'), usable))
        .orderBy(users.id);
      return rows.map(({ id }) => id);
    },

    async hasAdministrator(): Promise<boolean> {
      const rows = await executor
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.role, 'ADMIN'), isNull(users.deletedAt)))
        .limit(1);
      return rows.length > 0;
    },

    /** A page of accounts, newest first; all, or those whose normalised email address or username starts with `prefix`. */
    async list({ limit, afterId }: PageRequest, prefix: { email: string; username: string } | undefined) {
      const from = (column: typeof users.emailKey | typeof users.usernameKey, text: string) =>
        sql`(${column} ~>=~ ${text} and ${column} ~<~ ${text + LAST})`;
      return executor
        .select(accountColumns)
        .from(users)
        .where(
          and(
            prefix && or(from(users.emailKey, prefix.email), from(users.usernameKey, prefix.username)),
            afterId === undefined ? undefined : lt(users.id, afterId),
          ),
        )
        .orderBy(desc(users.id))
        .limit(limit);
    },

    /** The ids of up to `limit` accounts deleted before `moment`, locked until the end of the transaction. */
    async lockDeletedBefore(moment: Date, limit: number): Promise<string[]> {
      const rows = await executor
        .select({ id: users.id })
        .from(users)
        .where(and(isNotNull(users.deletedAt), lt(users.deletedAt, moment)))
        .limit(limit)
        .for('update', { skipLocked: true });
      return rows.map(({ id }) => id);
    },

    /** Deletes accounts permanently, with their sessions and tokens. */
    async remove(ids: readonly string[]): Promise<void> {
      await executor.delete(users).where(inArray(users.id, [...ids]));
    },
  };
}
