/** What happens when sessions end, besides their audit. */
import type { Executor } from '../db/database.js';

/**
 * Called in the transaction that ended sessions of an account before their time.
 * @param endedAt of the sessions
 */
export type OnEnded = (tx: Executor, userId: string, endedAt: Date) => Promise<void>;
