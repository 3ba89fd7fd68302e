/** Audits and emails that an account was locked after too many consecutive failures. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Executor } from '../db/database.js';
import type { LockedCredential } from './lockout.js';
import type { Outbox } from '../mail/outbox.js';

/**
 * Audits the lockout and queues the email in the caller's transaction. The email is sent outside the request, whose duration
 * would otherwise reveal that the account exists.
 */
export function createLockoutNotice({ audit, outbox }: { readonly audit: Audit; readonly outbox: Outbox }) {
  return async (tx: Executor, userId: string, client: ClientInfo, what: LockedCredential): Promise<void> => {
    await audit.record(tx, { type: 'account.locked', userId, actorId: null, client, detail: what });
    const { ipAddress, userAgent } = client;
    // The address is looked up when the email is composed.
    await outbox.enqueue(tx, { kind: 'account_locked', userId, address: '', detail: { ipAddress, userAgent, what } });
  };
}
