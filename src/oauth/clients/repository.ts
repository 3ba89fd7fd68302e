/** SQL of OAuth clients and their secrets. */
import { and, desc, eq, isNotNull, isNull, lt, or, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { oauthClients, oauthClientSecrets } from '../../db/schema/index.js';
import type { PageRequest } from '../../lib/paging.js';
import type { ClientSecret, OAuthClient } from './client.js';

/** The columns of a client that can change. */
export type ClientChanges = Partial<Omit<OAuthClient, 'id' | 'source' | 'createdAt'>>;

/** @param executor the database, or one transaction of it */
export function createClientRepository(executor: Executor) {
  return {
    async find(id: string): Promise<OAuthClient | undefined> {
      const [row] = await executor.select().from(oauthClients).where(eq(oauthClients.id, id));
      return row;
    },

    /** A client with its secrets, expired ones included. */
    async findWithSecrets(
      id: string,
    ): Promise<{ readonly client: OAuthClient; readonly secrets: readonly ClientSecret[] } | undefined> {
      const rows = await executor
        .select({ client: oauthClients, secret: oauthClientSecrets })
        .from(oauthClients)
        .leftJoin(oauthClientSecrets, eq(oauthClientSecrets.clientId, oauthClients.id))
        .where(eq(oauthClients.id, id));
      const [first] = rows;
      if (!first) return undefined;
      return { client: first.client, secrets: rows.flatMap(({ secret }) => (secret ? [secret] : [])) };
    },

    async insert(client: OAuthClient): Promise<void> {
      await executor.insert(oauthClients).values(client);
    },

    async insertSecret(secret: ClientSecret): Promise<void> {
      await executor.insert(oauthClientSecrets).values(secret);
    },

    /** Clients by descending id: those of metadata documents, then the newest. @param search the beginning of a name, or an id */
    async list({ limit, afterId }: PageRequest, search: string | undefined): Promise<OAuthClient[]> {
      return executor
        .select()
        .from(oauthClients)
        .where(
          and(
            search === undefined
              ? undefined
              : or(sql`starts_with(lower(${oauthClients.name}), lower(${search}))`, eq(oauthClients.id, search)),
            afterId === undefined ? undefined : lt(oauthClients.id, afterId),
          ),
        )
        .orderBy(desc(oauthClients.id))
        .limit(limit);
    },

    /** Locks a client until the end of the transaction, also against new codes and grants of it. */
    async lock(id: string): Promise<OAuthClient | undefined> {
      const [row] = await executor.select().from(oauthClients).where(eq(oauthClients.id, id)).for('update');
      return row;
    },

    /** Locks an enabled client against changes until the end of the transaction. Grants of it may be made at the same time. */
    async lockEnabled(id: string): Promise<OAuthClient | undefined> {
      const [row] = await executor
        .select()
        .from(oauthClients)
        .where(and(eq(oauthClients.id, id), isNull(oauthClients.disabledAt)))
        .for('share');
      return row;
    },

    async update(id: string, changes: ClientChanges): Promise<OAuthClient | undefined> {
      const [row] = await executor.update(oauthClients).set(changes).where(eq(oauthClients.id, id)).returning();
      return row;
    },

    /** Deletes a client with its secrets, codes, requests and consents. */
    async delete(id: string): Promise<void> {
      await executor.delete(oauthClients).where(eq(oauthClients.id, id));
    },

    /** Deletes the former secrets of a client, and lets the current one expire. */
    async retireSecrets(clientId: string, expiresAt: Date): Promise<void> {
      const ofClient = eq(oauthClientSecrets.clientId, clientId);
      await executor.delete(oauthClientSecrets).where(and(ofClient, isNotNull(oauthClientSecrets.expiresAt)));
      await executor
        .update(oauthClientSecrets)
        .set({ expiresAt })
        .where(and(ofClient, isNull(oauthClientSecrets.expiresAt)));
    },
  };
}
