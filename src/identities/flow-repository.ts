/** SQL of sign-ins that are under way at a provider. Each step is one conditional statement, so that each happens once. */
import { and, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import type { Executor } from '../db/database.js';
import { deleteBatch } from '../db/delete-batch.js';
import { identityFlows as table } from '../db/schema/index.js';
import type { FlowParameters, IdentityProfile } from './provider.js';

export type FlowRow = typeof table.$inferSelect;
export type FlowPurpose = FlowRow['purpose'];

/** Who may finish a flow: whoever has the code, and what it is bound to. */
export interface FlowClaim {
  readonly codeHash: string;
  readonly purpose: FlowPurpose;
  /** S256 of the presented verifier; null without one. */
  readonly codeChallenge: string | null;
  /** Null for a sign-in. */
  readonly sessionId: string | null;
  /** Only for the purpose `authorize`. */
  readonly returnTo?: string;
}

/** @param executor the database, or one transaction of it */
export function createFlowRepository(executor: Executor) {
  return {
    async insert(row: typeof table.$inferInsert): Promise<void> {
      await executor.insert(table).values(row);
    },

    async find(flowHash: string, now: Date): Promise<FlowRow | undefined> {
      const [row] = await executor
        .select()
        .from(table)
        .where(and(eq(table.flowHash, flowHash), gt(table.expiresAt, now)));
      return row;
    },

    async findByState(stateHash: string, now: Date): Promise<FlowRow | undefined> {
      const [row] = await executor
        .select()
        .from(table)
        .where(and(eq(table.stateHash, stateHash), gt(table.expiresAt, now)));
      return row;
    },

    /**
     * Binds the flow to the browser that is sent to the provider. The same browser may be sent again until it came back. False for
     * another browser, and if the flow is over.
     */
    async recordRedirect(
      flowHash: string,
      redirect: { readonly browserHash: string; readonly stateHash: string; readonly parameters: FlowParameters },
      now: Date,
    ): Promise<boolean> {
      const isOpen = or(
        isNull(table.browserHash),
        and(eq(table.browserHash, redirect.browserHash), sql`${table.stateHash} is not null`),
      );
      const rows = await executor
        .update(table)
        .set(redirect)
        .where(and(eq(table.flowHash, flowHash), gt(table.expiresAt, now), isOpen))
        .returning({ flowHash: table.flowHash });
      return rows.length > 0;
    },

    /** Consumes the state: one of several concurrent callbacks gets true. */
    async takeState(stateHash: string, now: Date): Promise<boolean> {
      const rows = await executor
        .update(table)
        .set({ stateHash: null, parameters: null })
        .where(and(eq(table.stateHash, stateHash), gt(table.expiresAt, now)))
        .returning({ flowHash: table.flowHash });
      return rows.length > 0;
    },

    async recordProfile(flowHash: string, profile: IdentityProfile, codeHash: string, expiresAt: Date): Promise<void> {
      await executor
        .update(table)
        .set({ profile: { ...profile }, codeHash, expiresAt })
        .where(and(eq(table.flowHash, flowHash), isNull(table.codeHash)));
    },

    /** Consumes the code with everything it is bound to. Undefined, with nothing consumed, if anything differs. */
    async take(
      { codeHash, purpose, codeChallenge, sessionId, returnTo }: FlowClaim,
      now: Date,
    ): Promise<FlowRow | undefined> {
      const [row] = await executor
        .delete(table)
        .where(
          and(
            eq(table.codeHash, codeHash),
            eq(table.purpose, purpose),
            gt(table.expiresAt, now),
            sql`${table.codeChallenge} is not distinct from ${codeChallenge}`,
            sql`${table.sessionId} is not distinct from ${sessionId}`,
            returnTo === undefined ? undefined : eq(table.returnTo, returnTo),
          ),
        )
        .returning();
      return row;
    },

    async remove(flowHash: string): Promise<void> {
      await executor.delete(table).where(eq(table.flowHash, flowHash));
    },

    /** Deletes up to `limit` expired flows, skipping locked rows. */
    deleteExpired: (now: Date, limit: number) =>
      deleteBatch(executor, table, table.flowHash, lte(table.expiresAt, now), limit),
  };
}
