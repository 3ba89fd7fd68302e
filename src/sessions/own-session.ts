/** The session of a caller, checked again in the transaction that grants a lasting way in. */
import type { Executor } from '../db/database.js';
import { AppError } from '../lib/errors.js';
import type { AccountRecord } from '../users/account.js';
import { createAccountRepository } from '../users/repository.js';
import { createSessionRepository } from './repository.js';
import type { Revoker } from './revocation.js';
import { isLive } from './session.js';

/**
 * Locks the account of the caller until the end of the transaction. A session that ended while the request waited for the lock must
 * leave nothing behind that signs in later.
 * @param now in milliseconds
 * @param idleTtlMs idle timeout of sessions in milliseconds; undefined for none
 * @throws AppError INVALID_TOKEN if the session has ended, or the account is disabled or deleted
 */
export async function lockOwnSession(
  tx: Executor,
  { userId, sessionId }: Pick<Revoker, 'userId' | 'sessionId'>,
  now: number,
  idleTtlMs: number | undefined,
): Promise<AccountRecord> {
  const account = await createAccountRepository(tx).lock(userId);
  const found = await createSessionRepository(tx).find(sessionId);
  const isUsable = account && !account.disabledAt && !account.deletedAt;
  if (!isUsable || !found || !isLive(found.session, now, idleTtlMs))
    throw new AppError('INVALID_TOKEN', 'The session has ended.');
  return account;
}
