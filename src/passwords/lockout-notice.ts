/** Records and mails that an account has reached its limit of consecutive failed passwords. */
import type { Audit } from '../audit/audit.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Executor } from '../db/database.js';
import type { Outbox } from '../mail/outbox.js';

/**
 * Records inside the caller's transaction that an account needs a proof by mail, and queues the mail. Nothing is sent in
 * the request, where the time would tell that there is an account.
 */
export function createLockoutNotice({ audit, outbox }: { readonly audit: Audit; readonly outbox: Outbox }) {
  return async (tx: Executor, userId: string, client: ClientInfo): Promise<void> => {
    await audit.record(tx, { type: 'account.locked', userId, actorId: null, client });
    const { ipAddress, userAgent } = client;
    // The address is looked up when the mail is composed.
    await outbox.enqueue(tx, { kind: 'account_locked', userId, address: '', detail: { ipAddress, userAgent } });
  };
}
