/** SQL of device codes. */
import { and, eq, exists, gt, isNull, lt, or, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { oauthClients, oauthDeviceCodes, sessions } from '../../db/schema/index.js';
import type { OAuthClient } from '../clients/client.js';

export type DeviceCodeRow = typeof oauthDeviceCodes.$inferSelect;
/** What an answer sets. */
export type DeviceAnswer = Required<
  Pick<DeviceCodeRow, 'status' | 'userId' | 'browserSessionId' | 'authenticatedAt' | 'amr' | 'scopes'>
>;
/** A device that waits for the answer of a person. */
export interface WaitingDevice {
  readonly deviceCodeHash: string;
  readonly client: OAuthClient;
  readonly scopes: readonly string[];
}
/** The device code that an authenticated client presents. */
export type PresentedDeviceCode = Pick<DeviceCodeRow, 'deviceCodeHash' | 'clientId'>;

const presented = ({ deviceCodeHash, clientId }: PresentedDeviceCode) =>
  and(eq(oauthDeviceCodes.deviceCodeHash, deviceCodeHash), eq(oauthDeviceCodes.clientId, clientId));
/** A code that waits for its answer. */
const waiting = (now: Date) => and(eq(oauthDeviceCodes.status, 'pending'), gt(oauthDeviceCodes.expiresAt, now));

/** @param executor the database, or one transaction of it */
export function createDeviceCodeRepository(executor: Executor) {
  const ofClient = executor
    .select({ id: oauthClients.id })
    .from(oauthClients)
    .where(and(eq(oauthClients.id, oauthDeviceCodes.clientId), isNull(oauthClients.disabledAt)));

  return {
    /** False if the user code is in use. */
    async insert(code: DeviceCodeRow): Promise<boolean> {
      const inserted = await executor
        .insert(oauthDeviceCodes)
        .values(code)
        .onConflictDoNothing({ target: oauthDeviceCodes.userCodeHash })
        .returning({ deviceCodeHash: oauthDeviceCodes.deviceCodeHash });
      return inserted.length > 0;
    },

    /** The device with a user code or a device code that waits for an answer, and whose client is enabled. */
    async findWaiting(
      hash: { readonly userCodeHash: string } | { readonly deviceCodeHash: string },
      now: Date,
    ): Promise<WaitingDevice | undefined> {
      const { deviceCodeHash, userCodeHash, scopes } = oauthDeviceCodes;
      const isIt =
        'userCodeHash' in hash ? eq(userCodeHash, hash.userCodeHash) : eq(deviceCodeHash, hash.deviceCodeHash);
      const [row] = await executor
        .select({ deviceCodeHash, scopes, client: oauthClients })
        .from(oauthDeviceCodes)
        .innerJoin(oauthClients, eq(oauthClients.id, oauthDeviceCodes.clientId))
        .where(and(isIt, waiting(now), isNull(oauthClients.disabledAt)));
      return row;
    },

    /** Answers a code that waits and whose client is enabled. Undefined if there is none. */
    async answer(deviceCodeHash: string, answer: DeviceAnswer, now: Date): Promise<DeviceCodeRow | undefined> {
      const [row] = await executor
        .update(oauthDeviceCodes)
        .set(answer)
        .where(and(eq(oauthDeviceCodes.deviceCodeHash, deviceCodeHash), waiting(now), exists(ofClient)))
        .returning();
      return row;
    },

    /**
     * Consumes an approved code. Undefined, and nothing is spent, if it is not approved, used or expired, if its client is
     * disabled, or if the session in which the person approved it has ended.
     */
    async consume(code: PresentedDeviceCode, now: Date): Promise<DeviceCodeRow | undefined> {
      const ofSession = executor
        .select({ id: sessions.id })
        .from(sessions)
        .where(and(eq(sessions.id, oauthDeviceCodes.browserSessionId), isNull(sessions.endedAt)));
      const [row] = await executor
        .update(oauthDeviceCodes)
        .set({ usedAt: now })
        .where(
          and(
            presented(code),
            eq(oauthDeviceCodes.status, 'approved'),
            isNull(oauthDeviceCodes.usedAt),
            gt(oauthDeviceCodes.expiresAt, now),
            exists(ofClient),
            exists(ofSession),
          ),
        )
        .returning();
      return row;
    },

    /** Records a poll that came no sooner than the interval allows. False for an earlier one, or if the code does not wait. */
    async recordPoll(code: PresentedDeviceCode, now: Date): Promise<boolean> {
      const { lastPolledAt, intervalSeconds } = oauthDeviceCodes;
      const isDue = sql`${lastPolledAt} <= ${now.toISOString()}::timestamptz - make_interval(secs => ${intervalSeconds})`;
      const polled = await executor
        .update(oauthDeviceCodes)
        .set({ lastPolledAt: now })
        .where(and(presented(code), waiting(now), or(isNull(lastPolledAt), isDue)))
        .returning({ deviceCodeHash: oauthDeviceCodes.deviceCodeHash });
      return polled.length > 0;
    },

    /** Records an early poll and raises the interval by `seconds`. False if the code does not wait. */
    async slowDown(code: PresentedDeviceCode, seconds: number, now: Date): Promise<boolean> {
      const polled = await executor
        .update(oauthDeviceCodes)
        .set({ lastPolledAt: now, intervalSeconds: sql`${oauthDeviceCodes.intervalSeconds} + ${seconds}` })
        .where(and(presented(code), waiting(now)))
        .returning({ deviceCodeHash: oauthDeviceCodes.deviceCodeHash });
      return polled.length > 0;
    },

    async find(code: PresentedDeviceCode): Promise<DeviceCodeRow | undefined> {
      const [row] = await executor.select().from(oauthDeviceCodes).where(presented(code));
      return row;
    },

    /** Deletes up to `limit` codes that expired before `moment`, skipping locked rows. */
    deleteOver(moment: Date, limit: number): Promise<number> {
      const expired = lt(oauthDeviceCodes.expiresAt, moment);
      return deleteBatch(executor, oauthDeviceCodes, oauthDeviceCodes.deviceCodeHash, expired, limit);
    },
  };
}
