/**
 * Sends logout tokens (OpenID Connect Back-Channel Logout 1.0) at least once. All instances share the work. A failed request is
 * retried with exponential backoff, for one day.
 */
import { randomUUID } from 'node:crypto';
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import type { IdTokenKeys } from '../../signing-keys/id-token-keys.js';
import { createClientRepository } from '../clients/repository.js';
import { createLogoutRepository, type LogoutNotice } from './repository.js';

export interface LogoutSender {
  /** Sends all due logout tokens. @param stop aborts requests at shutdown; another instance retries them */
  sendDue(stop?: AbortSignal): Promise<void>;
}

export interface LogoutSenderOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly idTokenKeys: Pick<IdTokenKeys, 'logout'>;
  /** PUBLIC_URL. */
  readonly issuer: string;
  readonly log: { warn(fields: object, message: string): void };
}

const BATCH = 5;
const TIMEOUT_MS = 10_000;
const LEASE_MS = 2 * TIMEOUT_MS;
const FIRST_DELAY_MS = 10_000;
const MAX_DELAY_MS = 3_600_000;
const GIVE_UP_MS = 86_400_000;
const TOKEN_TTL_S = 120;
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const SYSTEM = { ipAddress: 'logout token', network: 'logout token', userAgent: null };

export function createLogoutSender({ db, clock, audit, idTokenKeys, issuer, log }: LogoutSenderOptions): LogoutSender {
  const repository = createLogoutRepository(db.executor);

  async function tokenOf({ clientId, userId, sessionId }: LogoutNotice): Promise<string> {
    const iat = Math.floor(clock.now() / 1000);
    const claims = { iss: issuer, aud: clientId, sub: userId, sid: sessionId, iat, exp: iat + TOKEN_TTL_S };
    return (await idTokenKeys.logout()).sign({ ...claims, jti: randomUUID(), events: { [EVENT]: {} } });
  }

  /** An administrator registered the address, so it may be in a private network. Redirects are not followed. */
  async function post(uri: string, token: string, stop: AbortSignal | undefined): Promise<void> {
    const signals = [AbortSignal.timeout(TIMEOUT_MS), ...(stop ? [stop] : [])];
    const response = await fetch(uri, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
    await response.body?.cancel();
    if (response.status !== 200 && response.status !== 204) throw new Error(`The status is ${response.status}.`);
  }

  async function send(notice: LogoutNotice, stop: AbortSignal | undefined): Promise<void> {
    const { id, clientId, userId, attempts, createdAt } = notice;
    const client = await createClientRepository(db.executor).find(clientId);
    try {
      if (client?.backchannelLogoutUri != null && !client.disabledAt)
        await post(client.backchannelLogoutUri, await tokenOf(notice), stop);
    } catch (err) {
      const isFinal = clock.now() - createdAt.getTime() > GIVE_UP_MS;
      log.warn(
        { err, clientId, attempts },
        isFinal
          ? 'A logout token could not be sent; giving up'
          : 'A logout token could not be sent; it will be retried',
      );
      if (!isFinal) {
        const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempts - 1, 16));
        await repository.postpone(id, new Date(clock.now() + delay));
        return;
      }
      await db.transaction(async (tx) => {
        const entry = { userId, actorId: null, client: SYSTEM, detail: clientId };
        await audit.record(tx, { type: 'oauth_client.logout_undelivered', ...entry });
        await createLogoutRepository(tx).delete(id);
      });
      return;
    }
    await repository.delete(id);
  }

  return {
    async sendDue(stop) {
      for (;;) {
        const now = clock.now();
        const notices = await repository.claim(new Date(now), new Date(now + LEASE_MS), BATCH);
        await Promise.all(notices.map((notice) => send(notice, stop)));
        if (notices.length < BATCH || stop?.aborted) return;
      }
    },
  };
}
