/** SQL of the clients that a person has authorized. */
import { and, eq, max, min, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { oauthClients, oauthConsents, sessions } from '../../db/schema/index.js';
import { liveAt } from '../../sessions/repository.js';

/** What a client has of a person: a remembered consent, or live grants, or both. */
export interface AppRow {
  readonly clientId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly authorizedAt: Date;
  readonly lastUsedAt: Date | null;
}

/** @param idleTtlMs idle timeout of sessions in milliseconds; undefined for none */
export function createAppRepository(executor: Executor, idleTtlMs?: number) {
  return {
    async consents(userId: string): Promise<AppRow[]> {
      const rows = await executor
        .select({ consent: oauthConsents, name: oauthClients.name })
        .from(oauthConsents)
        .innerJoin(oauthClients, eq(oauthClients.id, oauthConsents.clientId))
        .where(eq(oauthConsents.userId, userId));
      return rows.map(({ consent, name }) => ({
        clientId: consent.clientId,
        name,
        scopes: consent.scopes,
        authorizedAt: consent.createdAt,
        lastUsedAt: null,
      }));
    },

    /** The live grants of a person, joined by client. */
    async grants(userId: string, now: Date): Promise<AppRow[]> {
      // Text, because the drivers do not parse an array that is no column.
      const scopes = sql<string>`string_agg(array_to_string(${sessions.scopes}, ' '), ' ')`;
      const rows = await executor
        .select({
          clientId: oauthClients.id,
          name: oauthClients.name,
          scopes,
          authorizedAt: min(sessions.createdAt),
          lastUsedAt: max(sessions.lastUsedAt),
        })
        .from(sessions)
        .innerJoin(oauthClients, eq(oauthClients.id, sessions.clientId))
        .where(and(eq(sessions.userId, userId), liveAt(now, idleTtlMs)))
        .groupBy(oauthClients.id, oauthClients.name);
      return rows.map((row) => ({
        ...row,
        scopes: [...new Set(row.scopes.split(' '))].filter(Boolean).sort(),
        authorizedAt: row.authorizedAt ?? now,
      }));
    },

    /** Deletes the consent; whether there was one. */
    async deleteConsent(userId: string, clientId: string): Promise<boolean> {
      const deleted = await executor
        .delete(oauthConsents)
        .where(and(eq(oauthConsents.userId, userId), eq(oauthConsents.clientId, clientId)))
        .returning({ clientId: oauthConsents.clientId });
      return deleted.length > 0;
    },
  };
}
