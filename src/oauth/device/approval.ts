/**
 * The person's part of the device authorization (RFC 8628 section 3.3) without its transport: a user code leads to a pending request,
 * which the signed-in person answers.
 */
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import { issuableScopes } from '../../sessions/issuable-scopes.js';
import { createSessionRepository } from '../../sessions/repository.js';
import { isLive } from '../../sessions/session.js';
import { createAccountRepository } from '../../users/repository.js';
import type { BrowserSession } from '../authorization/browser-sessions.js';
import { sessionNeed } from '../authorization/next-step.js';
import type { PendingRequest, PendingRequests } from '../authorization/pending.js';
import type { Step } from '../authorization/step.js';
import type { OAuthClient } from '../clients/client.js';
import { createClientRepository } from '../clients/repository.js';
import type { WaitingDevice } from './repository.js';
import type { DeviceCodes, DeviceDecision } from './service.js';

/** What the person is asked. */
export interface DeviceView {
  readonly request: string;
  readonly client: OAuthClient;
  /** Those of the request that the account has. */
  readonly scopes: readonly string[];
  readonly session: BrowserSession;
}

export type DeviceStep =
  | Step
  | { readonly kind: 'confirm'; readonly view: DeviceView }
  /** The account has none of the scopes. */
  | { readonly kind: 'no_scopes' }
  | { readonly kind: 'answered'; readonly decision: DeviceDecision };

export interface DeviceApproval {
  /**
   * Begins the request of the device with a user code; undefined if no device waits with it.
   * @param browser the value of the browser's cookie
   * @throws AppError RATE_LIMIT_EXCEEDED
   */
  begin(
    userCode: string,
    browser: string,
    session: BrowserSession | undefined,
    client: ClientInfo,
  ): Promise<Step | undefined>;
  /** What to ask the person, or to sign in first. */
  view(pending: PendingRequest, session: BrowserSession | undefined): Promise<DeviceStep>;
  /** Answers the device. Consumes the request in the same transaction. */
  answer(
    pending: PendingRequest,
    session: BrowserSession | undefined,
    decision: DeviceDecision,
    client: ClientInfo,
  ): Promise<DeviceStep>;
}

export interface DeviceApprovalOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly scopes: ScopeCatalogue;
  readonly policy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly pending: Pick<PendingRequests, 'create' | 'take'>;
  readonly deviceCodes: Pick<DeviceCodes, 'findWaiting' | 'read' | 'answer'>;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

const EXPIRED: Step = { kind: 'problem', problem: 'expired' };

export function createDeviceApproval(options: DeviceApprovalOptions): DeviceApproval {
  const { db, clock, scopes: catalogue, policy, pending, deviceCodes, idleTtlMs } = options;
  const scopesFor = ({ scopes }: WaitingDevice, { account }: BrowserSession) =>
    issuableScopes({ scopes: [...scopes] }, catalogue.granted(account.role));

  /** The device of a request, while it waits. */
  async function deviceOf({ kind, parameters: { deviceCodeHash } }: PendingRequest) {
    return kind === 'device' && typeof deviceCodeHash === 'string' ? deviceCodes.read(deviceCodeHash) : undefined;
  }

  return {
    async begin(userCode, browser, session, client) {
      const device = await deviceCodes.findWaiting(userCode, { userId: session?.account.id ?? null, client });
      if (!device) return undefined;
      const { deviceCodeHash } = device;
      const request = await pending.create(db.executor, {
        kind: 'device',
        clientId: device.client.id,
        parameters: { deviceCodeHash },
        browser,
      });
      return { kind: sessionNeed(session, policy) === 'login' ? 'login' : 'device', request };
    },

    async view(waiting, session) {
      const device = await deviceOf(waiting);
      if (!device) return EXPIRED;
      const { request } = waiting;
      const need = sessionNeed(session, policy);
      if (!session || need === 'login') return { kind: 'login', request };
      if (need === 'enroll') return { kind: 'enroll' };
      const scopes = scopesFor(device, session);
      if (scopes.length === 0) return { kind: 'no_scopes' };
      return { kind: 'confirm', view: { request, client: device.client, scopes, session } };
    },

    async answer(waiting, session, decision, client) {
      if (!session) return { kind: 'login', request: waiting.request };
      const device = await deviceOf(waiting);
      if (!device) return EXPIRED;
      const [sessionId, userId] = [session.session.id, session.account.id];
      return db.transaction(async (tx): Promise<DeviceStep> => {
        const account = await createAccountRepository(tx).lock(userId);
        // Read after the lock: whoever ends the sessions of an account locks it first.
        const found = (await createSessionRepository(tx).find(sessionId))?.session;
        const isUsable = found && account && !account.disabledAt && !account.deletedAt;
        if (!isUsable || !isLive(found, clock.now(), idleTtlMs)) return { kind: 'login', request: waiting.request };
        const current = { session: found, account };
        const need = sessionNeed(current, policy);
        if (need === 'enroll') return { kind: 'enroll' };
        if (need === 'login') return { kind: 'login', request: waiting.request };
        if (!(await createClientRepository(tx).lockEnabled(waiting.clientId)))
          return { kind: 'problem', problem: 'client' };
        // No more than the person was shown, if a promotion has given the account more since.
        const shown = scopesFor(device, session);
        const scopes = scopesFor(device, current).filter((scope) => shown.includes(scope));
        if (scopes.length === 0 && decision === 'approved') return { kind: 'no_scopes' };
        if (!(await pending.take(tx, waiting))) return EXPIRED;
        const { authenticatedAt, amr } = found;
        const approver = { userId, browserSessionId: sessionId, authenticatedAt, amr, scopes, client };
        const isAnswered = await deviceCodes.answer(tx, device.deviceCodeHash, decision, approver);
        return isAnswered ? { kind: 'answered', decision } : EXPIRED;
      });
    },
  };
}
