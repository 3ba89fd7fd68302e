/**
 * The authorization endpoint without its transport (RFC 6749 section 4.1, OpenID Connect Core 1.0 section 3.1.2): reads a request,
 * finds what it needs of the person, and answers the client.
 */
import type { Audit } from '../../audit/audit.js';
import type { Database, Executor } from '../../db/database.js';
import type { ClientInfo } from '../../lib/client-info.js';
import type { Clock } from '../../lib/clock.js';
import type { SecondFactorPolicy } from '../../mfa/policy.js';
import { issuableScopes } from '../../sessions/issuable-scopes.js';
import { createSessionRepository } from '../../sessions/repository.js';
import { isLive } from '../../sessions/session.js';
import { createAccountRepository } from '../../users/repository.js';
import type { AuthorizationCodes } from '../codes/service.js';
import { createClientRepository } from '../clients/repository.js';
import { OAuthError } from '../error.js';
import type { BrowserSession } from './browser-sessions.js';
import { AuthorizationFailure } from './failure.js';
import { consentNeed, loginNeed, type Need } from './next-step.js';
import { parseAuthorizationParameters } from './parameters.js';
import type { PendingRequest, PendingRequests } from './pending.js';
import { createRequestReader, isValid, type RequestReaderOptions, type ValidRequest } from './read.js';
import { createAuthorizationRepository } from './repository.js';
import { codeResponse } from './response.js';
import type { Step } from './step.js';

/** Every method: @throws AuthorizationFailure if the service fails after the redirect URI was validated */
export interface Authorization {
  /**
   * Begins a request. It may send the browser back to the client at once.
   * @param search the query string, or the text of the form
   * @param browser the value of the browser's cookie
   */
  begin(search: string, browser: string, session: BrowserSession | undefined): Promise<Step>;
  /** Continues a request, after a login for instance. It consumes the request if nothing more is needed. */
  resume(pending: PendingRequest, session: BrowserSession | undefined): Promise<Step>;
  /** The person allows the request. Consumes it, remembers the consent and issues the code in one transaction. */
  allow(pending: PendingRequest, session: BrowserSession | undefined, client: ClientInfo): Promise<Step>;
  /** The person denies the request, which is consumed. */
  deny(pending: PendingRequest, session: BrowserSession | undefined, client: ClientInfo): Promise<Step>;
  /** What the login page shows of a request. Undefined if its client is gone or disabled. */
  describe(pending: PendingRequest): Promise<RequestDescription | undefined>;
}

export interface RequestDescription {
  readonly clientName: string;
  readonly loginHint: string | undefined;
}

export interface AuthorizationOptions extends RequestReaderOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Pick<Audit, 'record'>;
  readonly policy: Pick<SecondFactorPolicy, 'mustEnroll'>;
  readonly codes: Pick<AuthorizationCodes, 'issue'>;
  readonly pending: Pick<PendingRequests, 'create' | 'take'>;
  /** Idle timeout of sessions in milliseconds; undefined for none. */
  readonly idleTtlMs?: number | undefined;
}

const PROMPT_ERRORS = { login: 'login_required', enroll: 'interaction_required', consent: 'consent_required' } as const;

export function createAuthorization(options: AuthorizationOptions): Authorization {
  const { db, clock, audit, scopes: catalogue, policy, codes, pending, issuer, idleTtlMs } = options;

  const { enabledClient, read, readPending, toClient } = createRequestReader(options);

  /** Sends the browser to a page, or an error to a client that wants no page. */
  async function ask(valid: ValidRequest, need: Exclude<Need, 'nothing'>, consent?: ConsentScopes): Promise<Step> {
    const { request, client, search, browser, waiting } = valid;
    if (request.prompts.has('none'))
      return toClient(
        request,
        new OAuthError(PROMPT_ERRORS[need], 'The request needs the person, but has prompt none.'),
      );
    if (need === 'enroll') return { kind: 'enroll' };
    const name =
      waiting?.request ??
      (await pending.create(db.executor, { kind: 'authorize', clientId: client.id, parameters: { search }, browser }));
    if (need === 'login' || !consent) return { kind: 'login', request: name };
    const { scopes, session } = consent;
    return { kind: 'consent', request: name, consent: { client, scopes, redirectUri: request.redirectUri, session } };
  }

  const scopesFor = ({ request }: ValidRequest, { account }: BrowserSession) =>
    issuableScopes({ scopes: [...request.scopes] }, catalogue.granted(account.role));

  const situation = (valid: ValidRequest) => ({
    ...valid,
    signedInBy: valid.waiting?.signedInBy,
    now: clock.now(),
    policy,
  });

  /** Finds what is needed next, and answers the client if it is nothing. */
  async function advance(valid: ValidRequest, session: BrowserSession | undefined): Promise<Step> {
    const need = loginNeed(situation(valid), session);
    if (session && hasOtherSignedIn(valid, session))
      return refuse(valid, new OAuthError('login_required', 'Another person signed in than the id_token_hint names.'));
    if (!session || need !== 'nothing') return ask(valid, need === 'nothing' ? 'login' : need);
    const scopes = scopesFor(valid, session);
    if (scopes.length === 0) return refuse(valid, noScopes());
    const consented = await createAuthorizationRepository(db.executor).consentedScopes(
      session.account.id,
      valid.client.id,
    );
    if (consentNeed(valid, scopes, consented) === 'consent') return ask(valid, 'consent', { scopes, session });
    return answer(valid, session, async () => undefined);
  }

  /** Consumes the request, and answers the client with an error. */
  async function refuse({ request, waiting }: ValidRequest, error: OAuthError, record = noRecord): Promise<Step> {
    return db.transaction(async (tx) => {
      if (waiting && !(await pending.take(tx, waiting))) return { kind: 'problem', problem: 'expired' } as const;
      await record(tx);
      return toClient(request, error);
    });
  }

  /**
   * Consumes the request and issues the code, if session, account and client are still what they were.
   * @param record what else belongs to the transaction
   */
  async function answer(
    valid: ValidRequest,
    session: BrowserSession,
    record: (tx: Executor, userId: string, scopes: readonly string[]) => Promise<void>,
  ): Promise<Step> {
    const { client, request, waiting } = valid;
    const { id } = session.session;
    const done = await db.transaction(async (tx): Promise<Step | Exclude<Need, 'nothing'>> => {
      const owner = (await createSessionRepository(tx).find(id))?.session.userId;
      const account = owner === undefined ? undefined : await createAccountRepository(tx).lock(owner);
      // Read after the lock: whoever ends the sessions of an account locks it first.
      const found = (await createSessionRepository(tx).find(id))?.session;
      if (!found || !account || account.disabledAt || account.deletedAt) return 'login';
      if (!isLive(found, clock.now(), idleTtlMs)) return 'login';
      const current = { session: found, account };
      const need = loginNeed(situation(valid), current);
      if (need !== 'nothing') return need;
      const currentClient = await createClientRepository(tx).lockEnabled(client.id);
      if (!currentClient) return { kind: 'problem', problem: 'client' };
      if (waiting && !(await pending.take(tx, waiting))) return { kind: 'problem', problem: 'expired' };
      // No more than the person was shown or has consented to, and than the client still may have.
      const known = scopesFor(valid, session).filter((scope) => currentClient.scopes.includes(scope));
      const scopes = scopesFor(valid, current).filter((scope) => known.includes(scope));
      if (scopes.length === 0) return toClient(request, noScopes());
      await record(tx, account.id, scopes);
      const code = await codes.issue(tx, {
        clientId: client.id,
        userId: account.id,
        browserSessionId: id,
        redirectUri: request.redirectUri,
        codeChallenge: request.codeChallenge,
        nonce: request.nonce,
        resources: [...request.resources],
        scopes: [...scopes],
        authenticatedAt: found.authenticatedAt,
        amr: found.amr,
      });
      return { kind: 'redirect', url: codeResponse(request, issuer, code) };
    });
    return typeof done === 'string' ? ask(valid, done) : done;
  }

  /** Handles a request that was read. Its client is informed if that fails. */
  async function handle(read: ValidRequest | Step, work: (valid: ValidRequest) => Promise<Step>): Promise<Step> {
    if (!isValid(read)) return read;
    return work(read).catch((error: unknown) => {
      throw new AuthorizationFailure((sent) => toClient(read.request, sent), error);
    });
  }

  return {
    async begin(search, browser, session) {
      return handle(await read(search, browser), (valid) => advance(valid, session));
    },

    async resume(waiting, session) {
      if (waiting.kind === 'device') return { kind: 'device', request: waiting.request };
      return handle(await readPending(waiting), (valid) => advance(valid, session));
    },

    async allow(waiting, session, client) {
      return handle(await readPending(waiting), async (valid) => {
        if (!session) return ask(valid, 'login');
        const { id: sessionId } = session.session;
        return answer(valid, session, async (tx, userId, scopes) => {
          await createAuthorizationRepository(tx).addConsent(userId, valid.client.id, scopes, new Date(clock.now()));
          const detail = `${valid.client.id}: ${scopes.join(' ')}`;
          await audit.record(tx, { type: 'app.authorized', userId, sessionId, client, detail });
        });
      });
    },

    async deny(waiting, session, client) {
      return handle(await readPending(waiting), async (valid) => {
        if (!session) return ask(valid, 'login');
        const { account, session: open } = session;
        const entry = { userId: account.id, sessionId: open.id, client, detail: valid.client.id };
        return refuse(valid, new OAuthError('access_denied', 'The person denied the request.'), (tx) =>
          audit.record(tx, { type: 'app.denied', ...entry }),
        );
      });
    },

    async describe({ clientId, parameters: { search } }) {
      const client = await enabledClient(clientId);
      const loginHint = typeof search === 'string' ? parseAuthorizationParameters(search).get('login_hint') : undefined;
      return client && { clientName: client.name, loginHint };
    },
  };
}

/** Whether the person signed in for this request, and the client asked for another one. */
function hasOtherSignedIn({ hintedUserId, waiting }: ValidRequest, { session, account }: BrowserSession): boolean {
  return hintedUserId != null && hintedUserId !== account.id && waiting?.signedInBy === session.id;
}

function noScopes(): OAuthError {
  return new OAuthError('invalid_scope', 'The account has none of the scopes.');
}

interface ConsentScopes {
  readonly scopes: readonly string[];
  readonly session: BrowserSession;
}

const noRecord: (tx: Executor) => Promise<void> = async () => undefined;
