/** All SQL of accounts. */
import { and, eq, isNull, or } from 'drizzle-orm';
import { accountColumns } from '../db/account-columns.js';
import type { Executor } from '../db/database.js';
import { users } from '../db/schema/index.js';
import type { AccountRecord } from './account.js';

/** An account with the hash that proves its password. */
export interface AccountWithHash {
  readonly account: AccountRecord;
  readonly passwordHash: string;
}

export type NewAccount = typeof users.$inferInsert;
/** Columns that the owner changes; what is left out stays. */
export type AccountChanges = Partial<
  Pick<NewAccount, 'username' | 'usernameKey' | 'displayName' | 'avatarUrl' | 'theme' | 'notifications' | 'language'>
>;

const usable = and(isNull(users.deletedAt), isNull(users.disabledAt));

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
      const [row] = await executor
        .select({ account: accountColumns, passwordHash: users.passwordHash })
        .from(users)
        .where(eq(kind === 'email' ? users.emailKey : users.usernameKey, key));
      return row;
    },

    /** Which of the two names somebody has already, in one read; `exceptId` is the asker. */
    async taken(emailKey: string | undefined, usernameKey: string | undefined, exceptId?: string) {
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
     * Marks a login that was proven against `provenHash`, and stores `nextHash`. Undefined when the
     * password, or the right to log in, has changed since it was read.
     */
    async markLogin(id: string, provenHash: string, nextHash: string, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ lastLoginAt: now, passwordHash: nextHash })
        .where(and(eq(users.id, id), eq(users.passwordHash, provenHash), usable))
        .returning(accountColumns);
      return row;
    },

    /** Undefined when the account is gone or disabled. */
    async update(id: string, changes: AccountChanges, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ ...changes, updatedAt: now })
        .where(and(eq(users.id, id), usable))
        .returning(accountColumns);
      return row;
    },
  };
}
