/** SQL of OAuth clients and their secrets. */
import { eq } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { oauthClients, oauthClientSecrets } from '../../db/schema/index.js';
import type { ClientSecret, OAuthClient } from './client.js';

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
  };
}
