/**
 * The way of a browser to an identity provider and back. A client starts a flow and gets an address; the browser opens it, is bound
 * to the flow by a cookie, and comes back from the provider with the state. The client finishes with a code that works once, for a
 * minute, and only with its PKCE verifier (RFC 7636). Each step is stored, so that any instance can serve it.
 */
import { createHash } from 'node:crypto';
import type { Database, Executor } from '../db/database.js';
import type { Clock } from '../lib/clock.js';
import { validationError } from '../lib/errors.js';
import { hashSecret, randomSecret } from '../oauth/secret.js';
import { createFlowRepository, type FlowPurpose, type FlowRow } from './flow-repository.js';
import { checkProfile } from './profile.js';
import { IdentityProviderError, type IdentityProfile, type IdentityProvider } from './provider.js';

export interface NewFlow {
  readonly purpose: FlowPurpose;
  readonly provider: string;
  /** Checked by the caller. */
  readonly returnTo: string;
  readonly codeChallenge?: string | null | undefined;
  /** The session that links an identity. */
  readonly owner?: { readonly userId: string; readonly sessionId: string };
}

/** What a client gets when it starts a sign-in. */
export interface IdentityLogin {
  /** Where to send the browser. */
  readonly url: string;
  readonly expiresAt: Date;
}

/** What the browser gets. */
export type FlowStep =
  | { readonly kind: 'redirect'; readonly url: string }
  | { readonly kind: 'problem'; readonly problem: 'expired' | 'other_browser' };

/** What a client presents to finish a flow. */
export interface PresentedFlow {
  readonly purpose: FlowPurpose;
  readonly code: string;
  readonly codeVerifier?: string | null | undefined;
  readonly sessionId?: string;
  readonly returnTo?: string;
}

/** Who came back from the provider. */
export interface FinishedFlow {
  readonly provider: string;
  readonly profile: IdentityProfile;
}

export interface IdentityFlows {
  readonly providers: ReadonlyMap<string, IdentityProvider>;
  /** Stores a flow. @throws AppError VALIDATION_ERROR for an unknown provider or a malformed challenge */
  begin(flow: NewFlow): Promise<IdentityLogin>;
  /** Sends the browser that opened the address to the provider. @param browser the random bits of its cookie */
  redirect(flowToken: string, browser: string): Promise<FlowStep>;
  /** Verifies a callback, and sends the browser back to the client. @param browser undefined without the cookie */
  complete(providerId: string, search: URLSearchParams, browser: string | undefined): Promise<FlowStep>;
  /** Consumes the code in the caller's transaction. Undefined, with nothing consumed, if anything it is bound to differs. */
  take(tx: Executor, presented: PresentedFlow): Promise<FinishedFlow | undefined>;
  /** Deletes up to `limit` expired flows; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

export interface IdentityFlowsOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly providers: ReadonlyMap<string, IdentityProvider>;
  readonly publicUrl: string;
  readonly log: { warn(fields: object, message: string): void };
}

/** Time to sign in at the provider, with a second factor there. */
export const FLOW_TTL_MS = 10 * 60_000;
const CODE_TTL_MS = 60_000;
/** RFC 7636 section 4.2: SHA-256 in base64url. */
const CHALLENGE = /^[\w-]{43}$/;
/** RFC 7636 section 4.1. */
const VERIFIER = /^[\w.~-]{43,128}$/;
/** As `randomSecret` makes them. */
const TOKEN = /^[\w-]{43}$/;

export function createIdentityFlows(options: IdentityFlowsOptions): IdentityFlows {
  const { db, clock, providers, publicUrl, log } = options;
  const repository = createFlowRepository(db.executor);
  const now = () => new Date(clock.now());
  const redirectUriOf = (provider: IdentityProvider) => `${publicUrl}/identities/callback/${provider.id}`;

  /** Ends a flow at which the provider failed: the client starts another one. */
  async function fail({ flowHash, returnTo, purpose }: FlowRow, provider: string, error: unknown): Promise<FlowStep> {
    if (!(error instanceof IdentityProviderError)) throw error;
    log.warn({ err: error, provider, purpose }, 'A sign-in at an identity provider failed');
    await repository.remove(flowHash);
    return back(returnTo, errorParameters(error));
  }

  return {
    providers,

    async begin({ purpose, provider, returnTo, codeChallenge = null, owner }) {
      if (!providers.has(provider))
        throw validationError([{ field: 'provider', message: 'is not one of identityProviders' }]);
      if (codeChallenge !== null && !CHALLENGE.test(codeChallenge))
        throw validationError([
          { field: 'codeChallenge', message: 'must be the SHA-256 of the verifier in base64url (S256)' },
        ]);
      const token = randomSecret();
      const createdAt = now();
      const expiresAt = new Date(createdAt.getTime() + FLOW_TTL_MS);
      const flowHash = hashSecret(token);
      await repository.insert({
        ...{ flowHash, purpose, provider, returnTo, codeChallenge, createdAt, expiresAt },
        ...owner,
      });
      return { url: `${publicUrl}/identities/start?flow=${token}`, expiresAt };
    },

    async redirect(flowToken, browser) {
      const flow = TOKEN.test(flowToken) ? await repository.find(hashSecret(flowToken), now()) : undefined;
      const provider = flow && providers.get(flow.provider);
      if (!flow || !provider) return { kind: 'problem', problem: 'expired' };
      const browserHash = hashSecret(browser);
      // Before the provider is asked: its failure would end a flow that another browser has, or whose code is under way.
      if (flow.browserHash !== null && flow.browserHash !== browserHash)
        return { kind: 'problem', problem: 'other_browser' };
      if (flow.browserHash !== null && flow.stateHash === null) return { kind: 'problem', problem: 'expired' };
      const state = randomSecret();
      try {
        const { url, parameters } = await provider.start(redirectUriOf(provider), state);
        const redirect = { browserHash, stateHash: hashSecret(state), parameters };
        if (await repository.recordRedirect(flow.flowHash, redirect, now())) return { kind: 'redirect', url };
      } catch (error) {
        return fail(flow, provider.id, error);
      }
      // It came back, or another browser was sent there, while the provider was asked.
      return { kind: 'problem', problem: flow.browserHash === browserHash ? 'expired' : 'other_browser' };
    },

    async complete(providerId, search, browser) {
      const [state, ...others] = search.getAll('state');
      const provider = providers.get(providerId);
      const isState = state !== undefined && others.length === 0 && TOKEN.test(state);
      const flow = isState ? await repository.findByState(hashSecret(state), now()) : undefined;
      // A state of another provider is refused: the answer of one provider must not be taken for that of another (mix-up).
      if (!isState || !flow || !provider || flow.provider !== providerId)
        return { kind: 'problem', problem: 'expired' };
      if (browser === undefined || flow.browserHash !== hashSecret(browser))
        return { kind: 'problem', problem: 'other_browser' };
      if (!(await repository.takeState(hashSecret(state), now()))) return { kind: 'problem', problem: 'expired' };
      const redirectUri = redirectUriOf(provider);
      const url = new URL(redirectUri);
      url.search = search.toString();
      try {
        const callback = { url, redirectUri, state, parameters: flow.parameters ?? {} };
        const profile = checkProfile(await provider.finish(callback));
        const code = randomSecret();
        await repository.recordProfile(
          flow.flowHash,
          profile,
          hashSecret(code),
          new Date(now().getTime() + CODE_TTL_MS),
        );
        return back(flow.returnTo, { code });
      } catch (error) {
        return fail(flow, providerId, error);
      }
    },

    async take(tx, { purpose, code, codeVerifier, sessionId = null, returnTo }) {
      if (!TOKEN.test(code) || (codeVerifier != null && !VERIFIER.test(codeVerifier))) return undefined;
      const claim = {
        ...{ codeHash: hashSecret(code), purpose, sessionId },
        codeChallenge: codeVerifier == null ? null : challengeOf(codeVerifier),
        ...(returnTo === undefined ? {} : { returnTo }),
      };
      const flow = await createFlowRepository(tx).take(claim, now());
      return flow && { provider: flow.provider, profile: readProfile(flow.profile) };
    },

    clear: (tx, limit) => createFlowRepository(tx).deleteExpired(now(), limit),
  };
}

const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** The address of the client with the answer as parameters. */
function back(returnTo: string, parameters: Readonly<Record<string, string>>): FlowStep {
  const url = new URL(returnTo);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { kind: 'redirect', url: url.href };
}

/** What a client may know of a failure. `access_denied` is that of RFC 6749; the client may try the other again. */
function errorParameters({ failure }: IdentityProviderError): Readonly<Record<string, string>> {
  switch (failure) {
    case 'denied':
      return { error: 'access_denied', error_description: 'The sign-in was cancelled.' };
    case 'not_allowed':
      return { error: 'access_denied', error_description: 'This identity may not sign in here.' };
    case 'failed':
      return { error: 'IDENTITY_PROVIDER_ERROR', error_description: 'The identity provider failed; try again.' };
  }
}

/** The stored profile, as `complete` wrote it. */
function readProfile(stored: FlowRow['profile']): IdentityProfile {
  const { issuer, subject, email, username, displayName, avatarUrl } = stored ?? {};
  if (typeof issuer !== 'string' || typeof subject !== 'string')
    throw new Error('The profile of an identity flow has no issuer or subject');
  return {
    ...{ issuer, subject, email: email ?? null, username: username ?? null },
    ...{ displayName: displayName ?? null, avatarUrl: avatarUrl ?? null },
  };
}
