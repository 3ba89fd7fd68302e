/** SQL of passkeys and of the challenges of their ceremonies. */
import { and, asc, eq, gt, isNull, lt, lte, or } from 'drizzle-orm';
import { accountColumns } from '../../db/account-columns.js';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { passkeyChallenges, passkeys, users } from '../../db/schema/index.js';
import type { AccountRecord } from '../../users/account.js';

export type PasskeyRecord = typeof passkeys.$inferSelect;
export type PasskeyChallengeRow = typeof passkeyChallenges.$inferSelect;

/** A passkey with its account, which may be disabled or deleted. */
export interface PasskeyWithAccount {
  readonly passkey: PasskeyRecord;
  readonly account: AccountRecord;
}

/** @param executor the database, or one transaction of it */
export function createPasskeyRepository(executor: Executor) {
  const usable = (challengeHash: string, now: Date) =>
    and(eq(passkeyChallenges.challengeHash, challengeHash), gt(passkeyChallenges.expiresAt, now));
  const owned = (id: string, userId: string) => and(eq(passkeys.id, id), eq(passkeys.userId, userId));

  return {
    /** The passkeys of an account, oldest first. */
    async list(userId: string): Promise<PasskeyRecord[]> {
      return executor.select().from(passkeys).where(eq(passkeys.userId, userId)).orderBy(asc(passkeys.id));
    },

    async findByCredential(credentialId: string): Promise<PasskeyWithAccount | undefined> {
      const [row] = await executor
        .select({ passkey: passkeys, account: accountColumns })
        .from(passkeys)
        .innerJoin(users, eq(users.id, passkeys.userId))
        .where(eq(passkeys.credentialId, credentialId));
      return row;
    },

    /** False if the credential is registered already, with this account or another. */
    async insert(passkey: PasskeyRecord): Promise<boolean> {
      const rows = await executor
        .insert(passkeys)
        .values(passkey)
        .onConflictDoNothing({ target: passkeys.credentialId })
        .returning({ id: passkeys.id });
      return rows.length > 0;
    },

    async rename(id: string, userId: string, name: string): Promise<PasskeyRecord | undefined> {
      const [row] = await executor.update(passkeys).set({ name }).where(owned(id, userId)).returning();
      return row;
    },

    async remove(id: string, userId: string): Promise<PasskeyRecord | undefined> {
      const [row] = await executor.delete(passkeys).where(owned(id, userId)).returning();
      return row;
    },

    /**
     * Records a use of a passkey of the account. False if it is gone, or if its counter does not rise; a counter that is not
     * supported stays at 0 (WebAuthn Level 3, section 6.1.1).
     */
    async recordUse(id: string, userId: string, use: Pick<PasskeyRecord, 'counter' | 'synced'>, now: Date) {
      const isNewer = lt(passkeys.counter, use.counter);
      const isUncounted = use.counter === 0 ? eq(passkeys.counter, 0) : undefined;
      const rows = await executor
        .update(passkeys)
        .set({ ...use, lastUsedAt: now })
        .where(and(owned(id, userId), or(isNewer, isUncounted)))
        .returning({ id: passkeys.id });
      return rows.length > 0;
    },

    async insertChallenge(row: PasskeyChallengeRow): Promise<void> {
      await executor.insert(passkeyChallenges).values(row);
    },

    /** Consumes the challenge of a registration atomically. False if it is not one of this session, or expired or used. */
    async takeRegistration(challengeHash: string, userId: string, sessionId: string, now: Date): Promise<boolean> {
      const rows = await executor
        .delete(passkeyChallenges)
        .where(
          and(
            usable(challengeHash, now),
            eq(passkeyChallenges.purpose, 'registration'),
            eq(passkeyChallenges.userId, userId),
            eq(passkeyChallenges.sessionId, sessionId),
          ),
        )
        .returning({ challengeHash: passkeyChallenges.challengeHash });
      return rows.length > 0;
    },

    /**
     * Consumes the challenge of an authentication atomically. Undefined if it is unknown, expired, used, or of another account.
     * @param userId the account whose challenges are accepted besides those of no account; undefined for none
     */
    async takeAuthentication(
      challengeHash: string,
      userId: string | undefined,
      now: Date,
    ): Promise<PasskeyChallengeRow | undefined> {
      const ofAccount = userId === undefined ? undefined : eq(passkeyChallenges.userId, userId);
      const [row] = await executor
        .delete(passkeyChallenges)
        .where(
          and(
            usable(challengeHash, now),
            eq(passkeyChallenges.purpose, 'authentication'),
            or(isNull(passkeyChallenges.userId), ofAccount),
          ),
        )
        .returning();
      return row;
    },

    /** Deletes up to `limit` expired challenges, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(
        executor,
        passkeyChallenges,
        passkeyChallenges.challengeHash,
        lte(passkeyChallenges.expiresAt, now),
        limit,
      ),
  };
}
