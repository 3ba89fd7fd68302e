/** SQL of authorization codes. */
import { and, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import { oauthCodes } from '../../db/schema/index.js';

export type CodeRow = typeof oauthCodes.$inferSelect;

/** What the client presents with a code. */
export interface PresentedCode {
  readonly codeHash: string;
  readonly clientId: string;
  readonly redirectUri: string;
  /** The S256 challenge of the presented verifier; null without one. */
  readonly codeChallenge: string | null;
}

/** @param executor the database, or one transaction of it */
export function createCodeRepository(executor: Executor) {
  return {
    async insert(code: CodeRow): Promise<void> {
      await executor.insert(oauthCodes).values(code);
    },

    /**
     * Consumes an unused code if client, redirect URI and challenge match. Undefined otherwise; nothing is spent then.
     * @param grantId of the grant that it gives, so that a second use can end it. It is set here, because a second update of a row in
     * one transaction locks the client, and so could deadlock with a change of the client.
     */
    async consume(
      { codeHash, clientId, redirectUri, codeChallenge }: PresentedCode,
      grantId: string,
      now: Date,
    ): Promise<CodeRow | undefined> {
      const [row] = await executor
        .update(oauthCodes)
        .set({ usedAt: now, grantId })
        .where(
          and(
            eq(oauthCodes.codeHash, codeHash),
            eq(oauthCodes.clientId, clientId),
            eq(oauthCodes.redirectUri, redirectUri),
            sql`${oauthCodes.codeChallenge} is not distinct from ${codeChallenge}`,
            isNull(oauthCodes.usedAt),
            gt(oauthCodes.expiresAt, now),
          ),
        )
        .returning();
      return row;
    },

    async find(codeHash: string): Promise<CodeRow | undefined> {
      const [row] = await executor.select().from(oauthCodes).where(eq(oauthCodes.codeHash, codeHash));
      return row;
    },

    /** Deletes up to `limit` codes that expired before `moment`, skipping locked rows. */
    deleteOver(moment: Date, limit: number): Promise<number> {
      return deleteBatch(executor, oauthCodes, oauthCodes.codeHash, lt(oauthCodes.expiresAt, moment), limit);
    },
  };
}
