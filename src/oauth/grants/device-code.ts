/** The device code grant (RFC 8628 sections 3.4 and 3.5). */
import { v7 as uuidv7 } from 'uuid';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { createDeviceCodeRepository, type PresentedDeviceCode } from '../device/repository.js';
import { OAuthError } from '../error.js';
import { hashSecret } from '../secret.js';
import type { Parameters } from '../parameters.js';
import { audienceOf } from '../resources.js';
import { invalidGrant, requireGrantType, requireParameter, type Grant } from './grant.js';
import type { EnforceGrantLimit } from './limit.js';
import type { OpenGrant } from './open-grant.js';
import type { createResponses } from './respond.js';

export interface DeviceCodeGrantOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly enforceLimit: EnforceGrantLimit;
  readonly openGrant: OpenGrant;
  readonly loadResponses: ReturnType<typeof createResponses>;
  readonly issuer: string;
}

/** RFC 8628 section 3.5. */
const SLOW_DOWN_S = 5;

export function createDeviceCodeGrant(options: DeviceCodeGrantOptions): Grant {
  const { db, clock, enforceLimit, openGrant, loadResponses, issuer } = options;

  /** Consumes an approved code and opens its grant in one transaction. Undefined, and nothing is spent, for any other code. */
  function redeem(presented: PresentedDeviceCode, parameters: Parameters, from: ClientInfo) {
    return db.transaction(async (tx) => {
      const code = await createDeviceCodeRepository(tx).consume(presented, new Date(clock.now()));
      if (!code) return undefined;
      const { userId, browserSessionId, authenticatedAt, amr } = code;
      if (userId === null || browserSessionId === null || authenticatedAt === null) throw invalidGrant();
      const audience = audienceOf(parameters, code.resources, issuer);
      const granted = { ...code, id: uuidv7(), userId, browserSessionId, authenticatedAt, amr: amr ?? [] };
      return { issued: await openGrant(tx, granted, from), audience };
    });
  }

  /**
   * Counts a poll, if the code waits for its answer.
   * @throws OAuthError authorization_pending, slow_down; expired_token, access_denied, invalid_grant for a code that waits no more
   */
  async function refusePoll(presented: PresentedDeviceCode, now: Date): Promise<void> {
    const repository = createDeviceCodeRepository(db.executor);
    if (await repository.recordPoll(presented, now))
      throw new OAuthError('authorization_pending', 'The person has not answered yet.');
    if (await repository.slowDown(presented, SLOW_DOWN_S, now))
      throw new OAuthError('slow_down', 'The device polls too often: wait five seconds longer between polls.');
    const code = await repository.find(presented);
    if (!code || code.usedAt) throw invalidGrant();
    if (code.expiresAt <= now) throw new OAuthError('expired_token', 'The device code has expired.');
    if (code.status === 'denied') throw new OAuthError('access_denied', 'The person denied the authorization.');
  }

  return async ({ client, parameters, from }) => {
    requireGrantType(client, 'DEVICE_CODE');
    const deviceCode = requireParameter(parameters, 'device_code');
    const presented = { deviceCodeHash: hashSecret(deviceCode), clientId: client.id };
    const respond = await loadResponses(client);

    let redeemed = await redeem(presented, parameters, from);
    if (!redeemed) {
      await refusePoll(presented, new Date(clock.now()));
      // The code is approved: since the first statement, or it is void.
      redeemed = await redeem(presented, parameters, from);
    }
    if (!redeemed) throw invalidGrant();
    await enforceLimit(redeemed.issued, from);
    return respond(redeemed.issued, { client, audience: redeemed.audience });
  };
}
