/** All SQL of known devices. */
import { and, desc, eq, gt, inArray, lte, ne, notInArray } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { knownDevices } from '../db/schema/index.js';

export type DeviceRow = typeof knownDevices.$inferSelect;

/** @param executor the database, or one transaction of it */
export function createDeviceRepository(executor: Executor) {
  const of = (userId: string) => eq(knownDevices.userId, userId);
  return {
    async listAccounts(tokenHash: string, now: Date): Promise<string[]> {
      const rows = await executor
        .select({ userId: knownDevices.userId })
        .from(knownDevices)
        .where(and(eq(knownDevices.tokenHash, tokenHash), gt(knownDevices.expiresAt, now)));
      return rows.map(({ userId }) => userId);
    },

    /** Extends a device that the account knows; false when it knows none with that token. */
    async renew(userId: string, tokenHash: string, now: Date, expiresAt: Date): Promise<boolean> {
      const rows = await executor
        .update(knownDevices)
        .set({ lastUsedAt: now, expiresAt })
        .where(and(of(userId), eq(knownDevices.tokenHash, tokenHash), gt(knownDevices.expiresAt, now)))
        .returning({ userId: knownDevices.userId });
      return rows.length > 0;
    },

    /** Gives a device another token for all of its accounts. */
    async replaceToken(before: string, after: string): Promise<void> {
      await executor.update(knownDevices).set({ tokenHash: after }).where(eq(knownDevices.tokenHash, before));
    },

    async insert(device: DeviceRow): Promise<void> {
      await executor.insert(knownDevices).values(device);
    },

    /** Removes all of an account's devices but those that it used last. */
    async trim(userId: string, kept: number): Promise<void> {
      const latest = executor
        .select({ tokenHash: knownDevices.tokenHash })
        .from(knownDevices)
        .where(of(userId))
        .orderBy(desc(knownDevices.lastUsedAt))
        .limit(kept);
      await executor.delete(knownDevices).where(and(of(userId), notInArray(knownDevices.tokenHash, latest)));
    },

    async delete(userId: string, tokenHash: string): Promise<void> {
      await executor.delete(knownDevices).where(and(of(userId), eq(knownDevices.tokenHash, tokenHash)));
    },

    /** Removes all devices of an account, but one if it is given. */
    async deleteAll(userId: string, exceptHash?: string): Promise<void> {
      const others = exceptHash === undefined ? undefined : ne(knownDevices.tokenHash, exceptHash);
      await executor.delete(knownDevices).where(and(of(userId), others));
    },

    /** Removes up to `limit` that have expired, skipping rows that are locked. */
    async deleteExpired(now: Date, limit: number): Promise<number> {
      const expired = executor
        .select({ tokenHash: knownDevices.tokenHash })
        .from(knownDevices)
        .where(lte(knownDevices.expiresAt, now))
        .limit(limit)
        .for('update', { skipLocked: true });
      const deleted = await executor
        .delete(knownDevices)
        .where(and(inArray(knownDevices.tokenHash, expired), lte(knownDevices.expiresAt, now)))
        .returning({ userId: knownDevices.userId });
      return deleted.length;
    },
  };
}
