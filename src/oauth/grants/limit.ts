/** The maximum of a person's grants to one client. */
import type { ClientInfo } from '../../lib/client-info.js';
import type { IssuedSession, Sessions } from '../../sessions/service.js';

/** Ends the oldest grants beyond SESSION_MAX_PER_ACCOUNT. Call it after the commit of a new grant. It never fails. */
export type EnforceGrantLimit = (issued: IssuedSession, from: ClientInfo) => Promise<void>;

export interface EnforceGrantLimitOptions {
  readonly sessions: Pick<Sessions, 'enforceLimit'>;
  readonly log: { warn(fields: object, message: string): void };
}

export function createEnforceGrantLimit({ sessions, log }: EnforceGrantLimitOptions): EnforceGrantLimit {
  return async ({ account, session: { clientId } }, from) => {
    // The code is spent by now: an error would lose the tokens. The next grant enforces the limit again.
    await sessions.enforceLimit(account.id, from, clientId ?? undefined).catch((err: unknown) => {
      log.warn({ err, clientId }, 'The limit of grants was not enforced; the next grant enforces it');
    });
  };
}
