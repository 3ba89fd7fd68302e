/** The audit of failed client authentication. Limited by network, because anybody can cause any number of failures. */
import type { Audit } from '../../audit/audit.js';
import type { Rate } from '../../config/readers.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { RateLimits } from '../../rate-limits/service.js';

/** @param clientId the client that the request named; undefined if there is none: what was sent instead is not stored */
export type RecordClientFailure = (clientId: string | undefined, from: ClientInfo) => Promise<void>;

export interface ClientFailuresOptions {
  readonly db: Database;
  readonly audit: Pick<Audit, 'record'>;
  readonly rateLimits: Pick<RateLimits, 'count'>;
}

/** Audited failures of one network. The first one beyond is audited as `request.throttled`. */
const AUDITED: Rate = { max: 20, windowMs: 900_000 };

export function createRecordClientFailure({ db, audit, rateLimits }: ClientFailuresOptions): RecordClientFailure {
  return async (clientId, client) => {
    const entry = { userId: null, client };
    if (!(await rateLimits.count(`oauth client authentication|${client.network}`, AUDITED, entry))) return;
    const detail = clientId === undefined ? 'unknown client' : `client ${clientId}`;
    await db.transaction((tx) =>
      audit.record(tx, { ...entry, type: 'oauth_client.auth_failed', actorId: null, detail }),
    );
  };
}
