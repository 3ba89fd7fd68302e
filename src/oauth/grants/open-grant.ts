/** Opens the grant of a person to a client, in the transaction that consumes a code. */
import type { Audit } from '../../audit/audit.js';
import type { Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import { AppError } from '../../lib/errors.js';
import type { GrantParams } from '../../sessions/params.js';
import type { IssuedSession, Sessions } from '../../sessions/service.js';
import { createSessionRepository } from '../../sessions/repository.js';
import { isChallenged } from '../../sessions/sign-in.js';
import { createAccountRepository } from '../../users/repository.js';
import { invalidGrant } from './grant.js';

/** A consumed code: who granted what, and how the person had signed in. */
export interface Granted extends GrantParams {
  readonly userId: string;
  readonly amr: readonly string[];
}

/**
 * Opens and audits the grant. Call `EnforceGrantLimit` after the commit.
 * @throws OAuthError invalid_grant if the account is disabled or deleted, has or needs a second factor that the sign-in lacks, or if
 * the browser session has ended: the transaction rolls back, and nothing is spent
 */
export type OpenGrant = (tx: Executor, granted: Granted, from: ClientInfo) => Promise<IssuedSession>;

export interface OpenGrantOptions {
  readonly audit: Audit;
  readonly sessions: Pick<Sessions, 'open'>;
}

export function createOpenGrant({ audit, sessions }: OpenGrantOptions): OpenGrant {
  return async (tx, { userId, amr, ...grant }, from) => {
    // Locked, so that an account that is disabled at the same time either is seen here or ends the new grant.
    const account = await createAccountRepository(tx).lock(userId);
    if (!account || account.disabledAt || account.deletedAt) throw invalidGrant();
    // Locked as well: a logout before the exchange refuses it, and one after it finds the grant and notifies the client.
    if (await createSessionRepository(tx).lockEnded(grant.browserSessionId)) throw invalidGrant();
    const proof = { by: 'authorization', methods: amr } as const;
    const opened = await sessions
      .open(tx, account, { client: from, rememberMe: false, grant }, proof)
      .catch((error: unknown) => {
        throw error instanceof AppError && error.code === 'SECOND_FACTOR_REQUIRED' ? invalidGrant() : error;
      });
    if (isChallenged(opened) || opened.enrolling) throw invalidGrant();
    const { session } = opened;
    const detail = `to client ${grant.clientId}`;
    await audit.record(tx, { type: 'grant.created', userId, sessionId: session.id, client: from, detail });
    return opened;
  };
}
