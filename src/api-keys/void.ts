/** Revokes all API keys of an account that was disabled or deleted, or that may have been in the hands of another person. */
import type { Audit, AuditEntry } from '../audit/audit.js';
import type { Executor } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { createApiKeyRepository } from './repository.js';

/** The cause of the revocation. The actor defaults to the account. */
export type VoidedBy = Pick<AuditEntry, 'actorId' | 'actorKind' | 'client'>;

/** Revokes the keys in the caller's transaction and audits it; returns how many. */
export type VoidApiKeys = (tx: Executor, userId: string, by: VoidedBy) => Promise<number>;

export function createVoidApiKeys({ clock, audit }: { clock: Clock; audit: Pick<Audit, 'record'> }): VoidApiKeys {
  return async (tx, userId, { actorId, actorKind, client }) => {
    const revoked = await createApiKeyRepository(tx).revokeAll(userId, new Date(clock.now()));
    const actor = { ...(actorId === undefined ? {} : { actorId }), actorKind, client };
    if (revoked > 0) await audit.record(tx, { type: 'api_key.revoked', userId, ...actor, detail: `all ${revoked}` });
    return revoked;
  };
}
