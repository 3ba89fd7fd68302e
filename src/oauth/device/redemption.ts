/** The token request of a device (RFC 8628 sections 3.4 and 3.5). */
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { AppError } from '../../lib/errors.js';
import type { IssuedSession, Sessions } from '../../sessions/service.js';
import { isChallenged } from '../../sessions/sign-in.js';
import { createAccountRepository } from '../../users/repository.js';
import { OAuthError } from '../error.js';
import { hashSecret } from '../secret.js';
import { createDeviceCodeRepository, type PresentedDeviceCode } from './repository.js';

/**
 * Exchanges an approved device code for a grant.
 * @param clientId the authenticated client, which may use the grant type
 * @throws OAuthError authorization_pending, slow_down, access_denied, expired_token; invalid_grant for a code that is unknown,
 * used, of another client or void
 */
export type RedeemDeviceCode = (deviceCode: string, clientId: string, client: ClientInfo) => Promise<IssuedSession>;

export interface DeviceRedemptionOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly sessions: Pick<Sessions, 'open' | 'enforceLimit'>;
}

/** RFC 8628 section 3.5. */
const SLOW_DOWN_S = 5;

export function createDeviceRedemption({ db, clock, sessions }: DeviceRedemptionOptions): RedeemDeviceCode {
  /** Consumes an approved code and opens its grant in one transaction; undefined if the code cannot be consumed. */
  const open = (code: PresentedDeviceCode, client: ClientInfo) =>
    db.transaction(async (tx) => {
      const row = await createDeviceCodeRepository(tx).consume(code, new Date(clock.now()));
      if (!row) return undefined;
      const { userId, browserSessionId, authenticatedAt, amr, clientId, scopes, resources } = row;
      if (userId === null || browserSessionId === null || authenticatedAt === null) throw invalidGrant();
      // The lock makes a concurrent disabling wait, which then ends the grant.
      const account = await createAccountRepository(tx).lock(userId);
      if (!account || account.disabledAt || account.deletedAt) throw invalidGrant();
      const grant = { clientId, scopes, resources, browserSessionId, authenticatedAt };
      const params = { client, rememberMe: false, grant };
      const opened = await sessions.open(tx, account, params, { by: 'authorization', methods: amr ?? [] });
      if (isChallenged(opened)) throw invalidGrant();
      return opened;
    });

  /** As `open`, with an error of this protocol for a second factor that was added since the approval. */
  const redeem = (code: PresentedDeviceCode, client: ClientInfo) =>
    open(code, client).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'SECOND_FACTOR_REQUIRED') throw invalidGrant(error);
      throw error;
    });

  /** Counts the poll of a code that waits for its answer. @throws OAuthError authorization_pending, slow_down */
  async function countPoll(code: PresentedDeviceCode, now: Date): Promise<void> {
    const repository = createDeviceCodeRepository(db.executor);
    if (await repository.recordPoll(code, now))
      throw new OAuthError('authorization_pending', 'The person has not answered yet.');
    if (await repository.slowDown(code, SLOW_DOWN_S, now))
      throw new OAuthError('slow_down', 'The device polls too often: wait five seconds longer between polls.');
  }

  return async (deviceCode, clientId, client) => {
    const code = { deviceCodeHash: hashSecret(deviceCode), clientId };
    const now = new Date(clock.now());
    let opened = await redeem(code, client);
    if (!opened) {
      await countPoll(code, now);
      const found = await createDeviceCodeRepository(db.executor).find(code);
      if (!found || found.usedAt) throw invalidGrant();
      if (found.expiresAt <= now) throw new OAuthError('expired_token', 'The device code has expired.');
      if (found.status === 'denied') throw new OAuthError('access_denied', 'The person denied the authorization.');
      // It is void, unless the person approved it after the first statement.
      opened = await redeem(code, client);
    }
    if (!opened) throw invalidGrant();
    await sessions.enforceLimit(opened.account.id, client, clientId);
    return opened;
  };
}

const invalidGrant = (cause?: unknown) =>
  new OAuthError('invalid_grant', 'The device code is not valid, or it was used or revoked.', cause);
