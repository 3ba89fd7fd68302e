/** SQL of clients that registered themselves. */
import { and, eq, inArray, isNull, lt, notExists, sql } from 'drizzle-orm';
import type { Executor } from '../../db/database.js';
import { deleteBatch } from '../../db/delete-batch.js';
import {
  oauthClients,
  oauthCodes,
  oauthConsents,
  oauthDeviceCodes,
  oauthRequests,
  sessions,
} from '../../db/schema/index.js';
import type { OAuthClient } from '../clients/client.js';

/** Tables whose rows show that a client is in use. */
const USES = [oauthConsents, oauthCodes, oauthDeviceCodes, oauthRequests, sessions];

/** @param executor the database, or one transaction of it */
export function createRegistrationRepository(executor: Executor) {
  return {
    /** Inserts a client unless there is one with its id; whether it did. */
    async insertNew(client: OAuthClient): Promise<boolean> {
      const inserted = await executor
        .insert(oauthClients)
        .values(client)
        .onConflictDoNothing()
        .returning({ id: oauthClients.id });
      return inserted.length > 0;
    },

    /** Deletes up to `limit` unused clients created before `moment`. Disabled clients stay, so that they cannot register again. */
    deleteUnused(moment: Date, limit: number): Promise<number> {
      const unused = USES.map((table) =>
        notExists(
          executor
            .select({ one: sql`1` })
            .from(table)
            .where(eq(table.clientId, oauthClients.id)),
        ),
      );
      const condition = and(
        inArray(oauthClients.source, ['REGISTRATION', 'METADATA_DOCUMENT']),
        lt(oauthClients.createdAt, moment),
        lt(oauthClients.updatedAt, moment),
        isNull(oauthClients.disabledAt),
        ...unused,
      );
      return deleteBatch(executor, oauthClients, oauthClients.id, condition, limit);
    },
  };
}
