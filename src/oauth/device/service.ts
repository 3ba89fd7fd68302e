/**
 * Device authorization (RFC 8628): a device shows a user code, a person approves it in a browser, and the device polls for its
 * tokens. Codes live for ten minutes and only their hashes are stored.
 */
import type { Audit } from '../../audit/audit.js';
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { Rate } from '../../config/readers.js';
import type { Database, Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import type { RateLimits } from '../../rate-limits/service.js';
import type { OAuthClient } from '../clients/client.js';
import type { Parameters } from '../parameters.js';
import { hashSecret, randomSecret } from '../secret.js';
import { createDeviceCodeRepository, type WaitingDevice } from './repository.js';
import { validateDeviceRequest } from './request.js';
import { displayUserCode, parseUserCode, randomUserCode } from './user-code.js';

/** Codes of a new authorization. */
export interface IssuedDeviceCode {
  readonly deviceCode: string;
  /** As it is shown: `XXXX-XXXX`. */
  readonly userCode: string;
  /** Lifetime of both codes in seconds. */
  readonly expiresIn: number;
  /** Seconds between polls. */
  readonly interval: number;
}

/** A signed-in person who answers. */
export interface DeviceApprover {
  readonly userId: string;
  /** The first-party session of the browser. */
  readonly browserSessionId: string;
  readonly authenticatedAt: Date;
  readonly amr: readonly string[];
  /** Those of the request that the person grants; none for a denial. */
  readonly scopes: readonly string[];
  readonly client: ClientInfo;
}

export type DeviceDecision = 'approved' | 'denied';

export interface DeviceCodes {
  /**
   * Issues the codes of a device authorization request.
   * @param client authenticated
   * @throws OAuthError unauthorized_client, invalid_scope, invalid_target
   */
  issue(client: OAuthClient, parameters: Parameters): Promise<IssuedDeviceCode>;
  /**
   * Finds the waiting device of a user code that a person typed; undefined if there is none. Each call counts against the limits of
   * the network and of the account, so that codes cannot be guessed.
   * @param person `userId` is null before the person has signed in
   * @throws AppError RATE_LIMIT_EXCEEDED, SERVICE_UNAVAILABLE
   */
  findWaiting(
    userCode: string,
    person: { readonly userId: string | null; readonly client: ClientInfo },
  ): Promise<WaitingDevice | undefined>;
  /** A device that waits; undefined if it was answered, has expired, or if its client is disabled. */
  read(deviceCodeHash: string): Promise<WaitingDevice | undefined>;
  /**
   * Approves or denies a waiting device in the caller's transaction, and audits it. False if it was answered, has expired, or if
   * its client is disabled.
   */
  answer(tx: Executor, deviceCodeHash: string, decision: DeviceDecision, approver: DeviceApprover): Promise<boolean>;
  /** Deletes up to `limit` codes that expired over an hour ago; returns how many. Until then, a device learns the reason. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface DeviceCodesOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly rateLimits: Pick<RateLimits, 'charge'>;
  readonly scopes: Pick<ScopeCatalogue, 'all'>;
  /** PUBLIC_URL. */
  readonly publicUrl: string;
}

const TTL_MS = 600_000;
const INTERVAL_S = 5;
const RETENTION_MS = 3_600_000;
/** A person types few codes. Guessing 34 bits at these rates is hopeless. */
const OF_ACCOUNT: Rate = { max: 10, windowMs: 600_000 };
const OF_NETWORK: Rate = { max: 50, windowMs: 600_000 };

export function createDeviceCodes(options: DeviceCodesOptions): DeviceCodes {
  const { db, clock, audit, rateLimits, scopes: catalogue, publicUrl } = options;
  const repository = createDeviceCodeRepository(db.executor);

  return {
    async issue(client, parameters) {
      const { clientId, scopes, resources } = validateDeviceRequest(client, parameters, catalogue, publicUrl);
      const deviceCode = randomSecret();
      for (;;) {
        const userCode = randomUserCode();
        const now = clock.now();
        const isFree = await repository.insert({
          deviceCodeHash: hashSecret(deviceCode),
          userCodeHash: hashSecret(userCode),
          clientId,
          scopes: [...scopes],
          resources: [...resources],
          status: 'pending',
          userId: null,
          browserSessionId: null,
          authenticatedAt: null,
          amr: null,
          intervalSeconds: INTERVAL_S,
          lastPolledAt: null,
          createdAt: new Date(now),
          expiresAt: new Date(now + TTL_MS),
          usedAt: null,
        });
        if (isFree)
          return { deviceCode, userCode: displayUserCode(userCode), expiresIn: TTL_MS / 1000, interval: INTERVAL_S };
      }
    },

    async findWaiting(input, { userId, client }) {
      await rateLimits.charge(`device code network|${client.network}`, OF_NETWORK, { userId, client });
      if (userId !== null) await rateLimits.charge(`device code|${userId}`, OF_ACCOUNT, { userId, client });
      const userCode = parseUserCode(input);
      if (userCode === undefined) return undefined;
      return repository.findWaiting({ userCodeHash: hashSecret(userCode) }, new Date(clock.now()));
    },

    read: (deviceCodeHash) => repository.findWaiting({ deviceCodeHash }, new Date(clock.now())),

    async answer(tx, deviceCodeHash, status, approver) {
      const { userId, browserSessionId, authenticatedAt, amr, scopes, client } = approver;
      const answer = { status, userId, browserSessionId, authenticatedAt, amr: [...amr], scopes: [...scopes] };
      const code = await createDeviceCodeRepository(tx).answer(deviceCodeHash, answer, new Date(clock.now()));
      if (!code) return false;
      await audit.record(tx, {
        type: status === 'approved' ? 'oauth_device.approved' : 'oauth_device.denied',
        userId,
        sessionId: browserSessionId,
        client,
        detail: `client ${code.clientId}`,
      });
      return true;
    },

    clear: (tx, limit) => createDeviceCodeRepository(tx).deleteOver(new Date(clock.now() - RETENTION_MS), limit),
  };
}
