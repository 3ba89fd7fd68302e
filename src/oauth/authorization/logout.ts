/**
 * RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0): ends the browser's session at the provider, and the grants that the
 * client got in it. Grants of other clients stay: their tokens are theirs until they or the person revoke them. They get a logout token
 * if they have an address for it.
 */
import type { Audit } from '../../audit/audit.js';
import type { Database } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import { createGrantRepository } from '../../sessions/grant-repository.js';
import { createSessionRepository } from '../../sessions/repository.js';
import type { OAuthClient } from '../clients/client.js';
import { createLogoutRepository } from '../logout/repository.js';
import type { BrowserSession } from './browser-sessions.js';
import type { ReadIdTokenHint } from './id-token-hint.js';
import { parseAuthorizationParameters } from './parameters.js';

/** A valid request. */
export interface LogoutRequest {
  /** The client that asks; undefined if it did not say. */
  readonly clientId: string | undefined;
  /** Where the browser goes afterwards; undefined for a page of the provider. */
  readonly returnTo: string | undefined;
  /** The browser session of the ID token. */
  readonly hintedSessionId: string | undefined;
}

/** Why a request is refused. Nothing may be sent to an address that is not registered. */
export type LogoutProblem = 'logout_hint' | 'client' | 'logout_uri' | 'logout_request';

export interface Logout {
  /** @param search the query string, or the text of the form */
  read(search: string): Promise<LogoutRequest | LogoutProblem>;
  /** Ends the session and the grants of the client in one transaction. */
  end(request: LogoutRequest, session: BrowserSession, client: ClientInfo): Promise<void>;
}

export interface LogoutOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly readIdTokenHint: ReadIdTokenHint;
  readonly findClient: (id: string) => Promise<OAuthClient | undefined>;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

const CLIENT_ID = /^[\x21-\x7e]{1,2048}$/;

export function createLogout({ db, clock, audit, readIdTokenHint, findClient, idleTtlMs }: LogoutOptions): Logout {
  return {
    async read(search) {
      const parameters = parseAuthorizationParameters(search);
      if (parameters.repeated.length > 0 || parameters.isMalformed) return 'logout_request';
      const token = parameters.get('id_token_hint');
      const hint = token === undefined ? undefined : await readIdTokenHint(token);
      if (token !== undefined && !hint) return 'logout_hint';
      const named = parameters.get('client_id');
      if (hint && named !== undefined && named !== hint.clientId) return 'logout_hint';
      const clientId = named ?? hint?.clientId;
      const client = clientId !== undefined && CLIENT_ID.test(clientId) ? await findClient(clientId) : undefined;
      if (clientId !== undefined && client?.disabledAt !== null) return 'client';
      const uri = parameters.get('post_logout_redirect_uri');
      if (uri !== undefined && !client?.postLogoutRedirectUris.includes(uri)) return 'logout_uri';
      const returnTo = uri === undefined ? undefined : withState(uri, parameters.get('state'));
      return { clientId, returnTo, hintedSessionId: hint?.sessionId };
    },

    async end({ clientId }, { session: { id: sessionId }, account: { id: userId } }, client) {
      await db.transaction(async (tx) => {
        const now = new Date(clock.now());
        const ended = await createSessionRepository(tx, idleTtlMs).end(sessionId, now, userId);
        if (ended !== undefined) {
          await createLogoutRepository(tx).insertOfEnded(userId, now);
          await audit.record(tx, { type: 'session.ended', userId, sessionId, client, detail: 'at the provider' });
        }
        if (clientId === undefined) return;
        const filter = { clientId, userId, browserSessionId: sessionId };
        for (const { id } of await createGrantRepository(tx, idleTtlMs).end(now, filter))
          await audit.record(tx, {
            type: 'session.ended',
            userId,
            sessionId: id,
            client,
            detail: 'with the browser session',
          });
      });
    },
  };
}

/** Adds the state as text, so that the registered URI stays as it is. */
function withState(uri: string, state: string | undefined): string {
  if (state === undefined) return uri;
  return `${uri}${uri.includes('?') ? '&' : '?'}state=${encodeURIComponent(state)}`;
}
