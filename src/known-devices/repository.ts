/** SQL of known devices. */
import { and, desc, eq, gt, lte, ne, notInArray, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { knownDevices } from '../db/schema/index.js';
import { param, rowParams, statement } from '../db/statement.js';

export type DeviceRow = typeof knownDevices.$inferSelect;

const { userId, tokenHash } = knownDevices;

/**
 * In one statement: stores a device, deletes the account's oldest devices, and changes the token of the device for its other
 * accounts. All three parts see the rows as before the statement.
 */
const insertInPlace = statement(undefined, (executor) => {
  const mine = eq(userId, param(userId, 'userId'));
  const latest = executor
    .select({ tokenHash })
    .from(knownDevices)
    .where(mine)
    .orderBy(desc(knownDevices.lastUsedAt))
    .limit(sql.placeholder('keptBefore'));
  const removed = executor.$with('removed').as(
    executor
      .delete(knownDevices)
      .where(and(mine, notInArray(tokenHash, latest)))
      .returning({ userId }),
  );
  const replaced = executor.$with('replaced').as(
    executor
      .update(knownDevices)
      .set({ tokenHash: param(tokenHash, 'tokenHash') })
      .where(and(eq(tokenHash, param(tokenHash, 'before')), ne(userId, param(userId, 'userId'))))
      .returning({ userId }),
  );
  return executor.with(removed, replaced).insert(knownDevices).values(rowParams(knownDevices));
});

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

    /** Extends the expiry of a known device; false if the account has no device with this token. */
    async renew(userId: string, tokenHash: string, now: Date, expiresAt: Date): Promise<boolean> {
      const rows = await executor
        .update(knownDevices)
        .set({ lastUsedAt: now, expiresAt })
        .where(and(of(userId), eq(knownDevices.tokenHash, tokenHash), gt(knownDevices.expiresAt, now)))
        .returning({ userId: knownDevices.userId });
      return rows.length > 0;
    },

    /**
     * Stores a device of an account and keeps the `kept` most recently used ones.
     * @param before the previous token of the device, which other accounts may have; undefined for none
     */
    async insert(device: DeviceRow, kept: number, before: string | undefined): Promise<void> {
      await insertInPlace(executor, { ...device, keptBefore: kept - 1, before: before ?? null });
    },

    async delete(userId: string, tokenHash: string): Promise<void> {
      await executor.delete(knownDevices).where(and(of(userId), eq(knownDevices.tokenHash, tokenHash)));
    },

    /** Deletes the devices of an account except `exceptHash`. */
    async deleteAll(userId: string, exceptHash?: string): Promise<void> {
      const others = exceptHash === undefined ? undefined : ne(knownDevices.tokenHash, exceptHash);
      await executor.delete(knownDevices).where(and(of(userId), others));
    },

    /** Deletes up to `limit` expired rows, skipping locked ones. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, knownDevices, knownDevices.tokenHash, lte(knownDevices.expiresAt, now), limit),
  };
}
