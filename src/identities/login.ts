/** Sign-in with an identity at another provider, and the account that the first one creates. */
import type { Audit } from '../audit/audit.js';
import type { Database, Executor } from '../db/database.js';
import { constraintOf } from '../db/errors.js';
import type { ClientInfo } from '../lib/client-info.js';
import type { Clock } from '../lib/clock.js';
import { AppError, invalidCode, validationError } from '../lib/errors.js';
import { IDENTITY, type SessionParams } from '../sessions/params.js';
import { accountDisabled } from '../sessions/replays.js';
import type { Sessions } from '../sessions/service.js';
import { isChallenged, type SignIn } from '../sessions/sign-in.js';
import { createAccountRepository } from '../users/repository.js';
import { IdentityTaken, type CreateAccount } from './accounts.js';
import type { FinishedFlow, IdentityFlows, IdentityLogin, PresentedFlow } from './flows.js';
import { checkProfile } from './profile.js';
import { IdentityProviderError, type IdentityProfile } from './provider.js';
import { createIdentityRepository } from './repository.js';
import { parseReturnTo } from './return-to.js';

export interface StartIdentityLoginInput {
  readonly provider: string;
  readonly returnTo: string;
  /** PKCE challenge (S256) of the client. */
  readonly codeChallenge: string;
}

/** How the client gets the tokens. */
export interface TokenDelivery {
  readonly rememberMe?: boolean | null | undefined;
  /** How the client gets the refresh token; BODY if left out. */
  readonly transport?: 'BODY' | 'COOKIE' | null | undefined;
}

export interface FinishIdentityLoginInput extends TokenDelivery {
  readonly code: string;
  readonly codeVerifier: string;
}

export interface PlexLoginInput extends TokenDelivery {
  readonly plexToken: string;
}

export interface IdentityLogins {
  /** @throws AppError VALIDATION_ERROR */
  start(input: StartIdentityLoginInput): Promise<IdentityLogin>;
  /**
   * Opens a session, or issues a challenge if the account has a second factor. The first sign-in creates the account.
   * @throws AppError INVALID_CODE; IDENTITY_NOT_LINKED if another account has the email address; ACCOUNT_DISABLED; USER_NOT_FOUND
   * for a deleted account; SERVICE_UNAVAILABLE
   */
  finish(input: FinishIdentityLoginInput, client: ClientInfo): Promise<SignIn>;
  /** As `finish`, for the authorization request that waits in the browser. @param returnTo that of the flow */
  finishAuthorization(code: string, returnTo: string, client: ClientInfo): Promise<SignIn>;
  /**
   * As `finish`, with a token of Plex.
   * @throws AppError as `finish`; INVALID_PLEX_TOKEN; IDENTITY_PROVIDER_ERROR if Plex says nothing of it, so that it can be tried
   * again; INSUFFICIENT_PERMISSIONS if the account may not use the server; QUERY_REJECTED unless PLEX_ACCEPT_TOKENS is on
   */
  withPlex(input: PlexLoginInput, client: ClientInfo): Promise<SignIn>;
}

/** Verifies tokens of Plex that a client presents. */
export interface PlexTokens {
  /** The id of the provider. */
  readonly provider: string;
  /** Undefined for an invalid token. @throws IdentityProviderError */
  verify(plexToken: string): Promise<IdentityProfile | undefined>;
}

export interface IdentityLoginOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly sessions: Pick<Sessions, 'open' | 'enforceLimit'>;
  readonly flows: Pick<IdentityFlows, 'begin' | 'take'>;
  readonly createAccount: CreateAccount;
  readonly returnToOrigins: ReadonlySet<string>;
  /** Undefined unless PLEX_ACCEPT_TOKENS is on. */
  readonly plexTokens: PlexTokens | undefined;
}

/** Why an identity that is known does not open a session. */
type Refusal = 'disabled' | 'deleted' | 'not linked';

/** Concurrent first sign-ins, or registrations with the same username: a second run finds what the first one stored. */
const MAX_RUNS = 4;
const CONFLICTS: ReadonlySet<string | undefined> = new Set(['users_username_key_unique', 'users_email_key_unique']);

export function createIdentityLogins(options: IdentityLoginOptions): IdentityLogins {
  const { db, clock, audit, sessions, flows, createAccount, returnToOrigins, plexTokens } = options;

  const refuse = async (tx: Executor, refusal: Refusal, userId: string | null, client: ClientInfo) => {
    await audit.record(tx, { type: 'login.failed', userId, actorId: null, client, detail: `identity, ${refusal}` });
    return refusal;
  };

  /** The account of the identity, which is created if nobody has it. */
  async function findAccount(tx: Executor, found: FinishedFlow, client: ClientInfo) {
    const { issuer, subject, displayName } = found.profile;
    const identity = await createIdentityRepository(tx).find(issuer, subject);
    if (!identity) return (await createAccount(tx, found, client)) ?? refuse(tx, 'not linked', null, client);
    const { id, userId } = identity;
    const account = await createAccountRepository(tx).lock(userId);
    if (!account || account.deletedAt) return refuse(tx, 'deleted', account?.id ?? null, client);
    if (account.disabledAt) return refuse(tx, 'disabled', userId, client);
    const now = new Date(clock.now());
    // It may have been unlinked while the account was locked by somebody else.
    if (!(await createIdentityRepository(tx).update(id, displayName, now))) throw invalidCode();
    return (await createAccountRepository(tx).recordLogin(userId, now)) ?? account;
  }

  async function enter(tx: Executor, found: FinishedFlow, params: SessionParams): Promise<SignIn | Refusal> {
    const account = await findAccount(tx, found, params.client);
    return typeof account === 'string' ? account : sessions.open(tx, account, params, IDENTITY);
  }

  /** @param find consumes what identifies the person, in each transaction that is tried */
  async function signIn(find: (tx: Executor) => Promise<FinishedFlow>, params: SessionParams): Promise<SignIn> {
    const entered = await retried(() => db.transaction(async (tx) => enter(tx, await find(tx), params)));
    if (entered === 'disabled') throw accountDisabled();
    if (entered === 'deleted') throw new AppError('USER_NOT_FOUND', 'The account of this identity was deleted.');
    if (entered === 'not linked') throw notLinked();
    if (!isChallenged(entered)) await sessions.enforceLimit(entered.account.id, params.client);
    return entered;
  }

  const byCode = (presented: PresentedFlow, params: SessionParams): Promise<SignIn> =>
    signIn(async (tx) => {
      const found = await flows.take(tx, presented);
      if (!found) throw invalidCode();
      return found;
    }, params);

  return {
    async start({ provider, returnTo, codeChallenge }) {
      const parsed = parseReturnTo(returnTo, returnToOrigins);
      if ('error' in parsed) throw validationError([{ field: 'returnTo', message: parsed.error }]);
      return flows.begin({ purpose: 'login', provider, returnTo: parsed.url, codeChallenge });
    },

    finish: ({ code, codeVerifier, ...delivery }, client) =>
      byCode({ purpose: 'login', code, codeVerifier }, paramsOf(delivery, client)),

    finishAuthorization: (code, returnTo, client) =>
      byCode({ purpose: 'authorize', code, returnTo }, { client, rememberMe: false, transport: 'COOKIE' }),

    async withPlex({ plexToken, ...delivery }, client) {
      if (!plexTokens)
        throw new AppError('QUERY_REJECTED', 'Sign-in with a token of Plex is turned off (PLEX_ACCEPT_TOKENS).');
      const { provider, verify } = plexTokens;
      const profile = await verify(plexToken).catch((error: unknown) => {
        throw error instanceof IdentityProviderError ? providerError(error) : error;
      });
      if (!profile) throw new AppError('INVALID_PLEX_TOKEN', 'The token of Plex is invalid.');
      return signIn(async () => ({ provider, profile: checkProfile(profile) }), paramsOf(delivery, client));
    },
  };
}

function paramsOf({ rememberMe, transport }: TokenDelivery, client: ClientInfo): SessionParams {
  return { client, rememberMe: rememberMe ?? false, transport: transport ?? 'BODY' };
}

async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let runs = 1; ; runs += 1) {
    try {
      return await run();
    } catch (error) {
      const isConflict = error instanceof IdentityTaken || CONFLICTS.has(constraintOf(error));
      if (!isConflict || runs === MAX_RUNS) throw error;
    }
  }
}

function notLinked(): AppError {
  const message = 'An account with this email address exists: sign in to it, and link the identity there.';
  return new AppError('IDENTITY_NOT_LINKED', message);
}

function providerError(error: IdentityProviderError): AppError {
  return error.failure === 'failed'
    ? new AppError('IDENTITY_PROVIDER_ERROR', 'The identity provider failed; try again.', {}, error)
    : new AppError('INSUFFICIENT_PERMISSIONS', 'This identity may not sign in here.', { requiredScopes: [] }, error);
}
