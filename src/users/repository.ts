/** All SQL of accounts. */
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
/** Columns that may change; what is left out stays. */
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

/** Follows every text that begins alike: in byte order nothing comes after the last code point. */
const LAST = '\u{10ffff}';

/** "ltca" in ASCII, as one number of an advisory lock. */
const ADMINISTRATORS_LOCK = 0x6c746361;

/** @param executor the database, or one transaction of it */
export function createAccountRepository(executor: Executor) {
  return {
    /** @throws the driver's unique violation, named `users_email_key_unique` or `users_username_key_unique` */
    async insert(account: NewAccount): Promise<AccountRecord> {
      const [row] = await executor.insert(users).values(account).returning(accountColumns);
      return row!;
    },

    /** By the normalised form of its e-mail or its username. */
    async findByKey(kind: 'email' | 'username', key: string): Promise<AccountWithHash | undefined> {
      const [row] = await readByKey[kind](executor, { key });
      return row;
    },

    async findById(id: string): Promise<AccountWithHash | undefined> {
      const [row] = await executor.select(withHash).from(users).where(eq(users.id, id));
      return row;
    },

    /** Which of the two names somebody has already, in one read; `exceptId` is the asker. */
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
     * Marks a login that was proven against `verifiedHash`, and stores `nextHash`. Undefined when the
     * password, or the right to log in, has changed since it was read.
     */
    async markLogin(id: string, verifiedHash: string, nextHash: string, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await markLoggedIn(executor, { id, verifiedHash, nextHash, now });
      return row;
    },

    /**
     * Changes a usable account, if its password is still the one that was proven; undefined otherwise.
     * @param verifiedHash left out where no password was proven
     */
    async update(
      id: string,
      changes: AccountChanges,
      now: Date,
      verifiedHash?: string,
    ): Promise<AccountRecord | undefined> {
      const proven = verifiedHash === undefined ? undefined : eq(users.passwordHash, verifiedHash);
      const [row] = await executor
        .update(users)
        .set({ ...changes, updatedAt: now })
        .where(and(eq(users.id, id), usable, proven))
        .returning(accountColumns);
      return row;
    },

    /** An account, locked until the end of the transaction. */
    async lock(id: string): Promise<AccountRecord | undefined> {
      const [row] = await executor.select(accountColumns).from(users).where(eq(users.id, id)).for('no key update');
      return row;
    },

    /** Changes an account that is not deleted, disabled or not; undefined when there is none. */
    async updateUndeleted(id: string, changes: AccountChanges, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ ...changes, updatedAt: now })
        .where(and(eq(users.id, id), isNull(users.deletedAt)))
        .returning(accountColumns);
      return row;
    },

    /** Takes a deletion back; undefined when there is nothing to take back. */
    async restore(id: string, deletedAfter: Date, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ deletedAt: null, updatedAt: now })
        .where(and(eq(users.id, id), sql`${users.deletedAt} > ${deletedAfter.toISOString()}::timestamptz`))
        .returning(accountColumns);
      return row;
    },

    /** A usable account with its normalised names, locked until the end of the transaction. */
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
     * Ids of those who can administer. Whoever asks next waits until the end of this transaction, so that two cannot take
     * each other's right at once. A lock of its own: locks of their rows would cross with those of the rows to change.
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

    /** A page of accounts, the newest first; those whose normalised e-mail or username begins with `prefix`, or all. */
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

    /** Ids of up to `limit` accounts that were deleted before a moment, held until the end of the transaction. */
    async lockDeletedBefore(moment: Date, limit: number): Promise<string[]> {
      const rows = await executor
        .select({ id: users.id })
        .from(users)
        .where(and(isNotNull(users.deletedAt), lt(users.deletedAt, moment)))
        .limit(limit)
        .for('update', { skipLocked: true });
      return rows.map(({ id }) => id);
    },

    /** Removes accounts for good; sessions and tokens go with them. */
    async remove(ids: readonly string[]): Promise<void> {
      await executor.delete(users).where(inArray(users.id, [...ids]));
    },
  };
}
