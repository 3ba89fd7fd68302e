/** Unlinks identities that somebody else may have linked to an account. */
import type { Audit } from '../audit/audit.js';
import type { Executor } from '../db/database.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Outbox } from '../mail/outbox.js';
import type { AccountRecord } from '../users/account.js';
import { createIdentityRepository } from './repository.js';

/**
 * Unlinks the identities of an account in the caller's transaction, audits it and notifies the owner. The caller has locked the
 * account.
 * @param since only those that were linked since; all if left out
 */
export type VoidIdentities = (
  tx: Executor,
  account: Pick<AccountRecord, 'id' | 'email'>,
  client: ClientInfo,
  since?: Date,
) => Promise<void>;

export interface VoidIdentitiesOptions {
  readonly audit: Pick<Audit, 'record'>;
  readonly outbox: Pick<Outbox, 'enqueue'>;
}

export function createVoidIdentities({ audit, outbox }: VoidIdentitiesOptions): VoidIdentities {
  return async (tx, { id: userId, email: address }, client, since) => {
    const removed = await createIdentityRepository(tx).removeSince(userId, since);
    if (removed === 0) return;
    const type = 'identities.voided';
    await audit.record(tx, { type, userId, actorId: null, client, detail: `${removed} unlinked` });
    await outbox.enqueue(tx, { kind: 'identity_changed', userId, address, detail: { change: type } });
  };
}
