/** SQL that all kinds of second factors share. */
import { and, eq, exists, gt, gte, inArray, isNull, not, or, sql } from 'drizzle-orm';
import { accountColumns } from '../../db/account-columns.js';
import type { Executor } from '../../db/database.js';
import {
  identities,
  passkeyChallenges,
  passkeys,
  recoveryCodes,
  sessions,
  totpEnrollments,
  totpFactors,
  users,
} from '../../db/schema/index.js';
import type { AccountRecord } from '../../users/account.js';

/** What an account can prove its person with. */
export interface FactorKinds {
  readonly password: boolean;
  readonly totp: boolean;
  readonly passkey: boolean;
  readonly recoveryCode: boolean;
}

/** The ways to sign in that the configuration allows, besides passwords and passkeys. */
export interface WaysToSignIn {
  /** EMAIL_LOGIN: a code that is mailed to a confirmed address. */
  readonly emailLogin: boolean;
  /** The issuers of the identity providers. An id can be given to another provider; an identity is found by its issuer. */
  readonly issuers: readonly string[];
}

/** Takes the id as a parameter: in a subquery, the column `id` of the account would be that of the inner table. */
const has = (of: typeof totpFactors | typeof passkeys | typeof recoveryCodes, userId: string) =>
  sql<boolean>`exists (select from ${of} where ${of.userId} = ${userId})`;

/** @param executor the database, or one transaction of it */
export function createFactorRepository(executor: Executor) {
  return {
    /** Sets `hasSecondFactor` from the tables of the factors. Undefined if the account is disabled or deleted. */
    async updateHasSecondFactor(userId: string, now: Date): Promise<AccountRecord | undefined> {
      const [row] = await executor
        .update(users)
        .set({ hasSecondFactor: sql`(${has(totpFactors, userId)} or ${has(passkeys, userId)})`, updatedAt: now })
        .where(and(eq(users.id, userId), isNull(users.disabledAt), isNull(users.deletedAt)))
        .returning(accountColumns);
      return row;
    },

    /** Undefined for an unknown account. */
    async kindsOf(userId: string): Promise<FactorKinds | undefined> {
      const [row] = await executor
        .select({
          password: sql<boolean>`${users.passwordHash} is not null`,
          totp: has(totpFactors, userId),
          passkey: has(passkeys, userId),
          recoveryCode: has(recoveryCodes, userId),
        })
        .from(users)
        .where(eq(users.id, userId));
      return row;
    },

    /**
     * Whether an account can sign in: with a password, a passkey, an identity of an issuer that is configured, or a code that is
     * mailed to its confirmed address.
     */
    async hasWayToSignIn(userId: string, { emailLogin, issuers }: WaysToSignIn): Promise<boolean> {
      const byCode = emailLogin ? sql`${users.isVerified}` : sql`false`;
      const byIdentity = exists(
        executor
          .select({ id: identities.id })
          .from(identities)
          .where(and(eq(identities.userId, userId), inArray(identities.issuer, [...issuers]))),
      );
      const [row] = await executor
        .select({
          hasWay: sql<boolean>`(${users.passwordHash} is not null or ${has(passkeys, userId)} or ${byCode} or ${byIdentity})`,
        })
        .from(users)
        .where(eq(users.id, userId));
      return row?.hasWay ?? false;
    },

    /** Records a new proof of the person in a live session. False if it has ended. */
    async addProof(id: string, userId: string, methods: readonly string[], now: Date): Promise<boolean> {
      const added = sql`select method from unnest(${sql.param([...methods], sessions.amr)}::text[]) method`;
      const rows = await executor
        .update(sessions)
        .set({
          amr: sql`${sessions.amr} || array(${added} where method <> all (${sessions.amr}))`,
          authenticatedAt: now,
        })
        .where(
          and(eq(sessions.id, id), eq(sessions.userId, userId), isNull(sessions.endedAt), gt(sessions.expiresAt, now)),
        )
        .returning({ id: sessions.id });
      return rows.length > 0;
    },

    /** Deletes all factors of an account, disabled or not, with enrolments and recovery codes. */
    async deleteAll(userId: string, now: Date): Promise<void> {
      for (const table of [totpFactors, totpEnrollments, passkeys, passkeyChallenges, recoveryCodes])
        await executor.delete(table).where(eq(table.userId, userId));
      await executor.update(users).set({ hasSecondFactor: false, updatedAt: now }).where(eq(users.id, userId));
    },

    /**
     * Deletes the factors that were added since a time, of an account that is locked and may be disabled: with its enrolments, the
     * recovery codes created since, and all of them if no factor is left. Returns how many factors there were.
     */
    async deleteSince(userId: string, since: Date, now: Date): Promise<number> {
      let deleted = 0;
      for (const table of [totpFactors, passkeys]) {
        const added = and(eq(table.userId, userId), gte(table.createdAt, since));
        deleted += (await executor.delete(table).where(added).returning({ userId: table.userId })).length;
      }
      for (const table of [totpEnrollments, passkeyChallenges])
        await executor.delete(table).where(eq(table.userId, userId));
      const hasFactor = sql`(${has(totpFactors, userId)} or ${has(passkeys, userId)})`;
      await executor
        .delete(recoveryCodes)
        .where(and(eq(recoveryCodes.userId, userId), or(gte(recoveryCodes.createdAt, since), not(hasFactor))));
      await executor.update(users).set({ hasSecondFactor: hasFactor, updatedAt: now }).where(eq(users.id, userId));
      return deleted;
    },

    async deleteRecoveryCodes(userId: string): Promise<void> {
      await executor.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId));
    },
  };
}
