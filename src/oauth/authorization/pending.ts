/**
 * Authorization requests that wait for a person. A request is named by 256 random bits, stored as a hash, and bound to the browser
 * that made it, so another browser cannot answer it (RFC 9700 section 4.7). It expires after ten minutes or one answer.
 */
import type { Executor } from '../../db/database.js';
import type { Clock } from '../../lib/clock.js';
import { hashSecret, randomSecret } from '../secret.js';
import { createAuthorizationRepository, type RequestRow } from './repository.js';

/** A request as a browser names it. */
export interface PresentedRequest {
  /** The random bits in URL and form. */
  readonly request: string;
  /** The value of the browser's cookie; undefined without one. */
  readonly browser: string | undefined;
}

/** A request that the browser may answer. */
export interface PendingRequest extends PresentedRequest {
  readonly browser: string;
  readonly kind: RequestRow['kind'];
  readonly clientId: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The browser session that the person opened for this request. */
  readonly signedInBy: string | undefined;
}

/** Why a browser may not answer a request. */
export type RequestProblem = 'expired' | 'other_browser';

export interface PendingRequests {
  /** Stores a request and returns its random bits. */
  create(
    executor: Executor,
    request: Pick<RequestRow, 'kind' | 'clientId' | 'parameters'> & { readonly browser: string },
  ): Promise<string>;
  /** Reads a request without consuming it. */
  find(executor: Executor, presented: PresentedRequest): Promise<PendingRequest | RequestProblem>;
  /** Records that the person opened a browser session for the request. */
  recordSignIn(executor: Executor, pending: PendingRequest, sessionId: string): Promise<boolean>;
  /** Consumes a request in the caller's transaction; false if it was answered or has expired. */
  take(tx: Executor, pending: PendingRequest): Promise<boolean>;
  /** Deletes up to `limit` expired requests; returns how many. */
  clear(tx: Executor, limit: number): Promise<number>;
}

const LIFETIME_MS = 600_000;
/** 32 bytes in base64url, without padding. */
const TOKEN = /^[\w-]{43}$/;

/** Whether a text has the form of a request's random bits, or of the browser's cookie. */
export function isToken(text: unknown): text is string {
  return typeof text === 'string' && TOKEN.test(text);
}

export function createPendingRequests({ clock }: { readonly clock: Clock }): PendingRequests {
  const now = () => new Date(clock.now());
  return {
    async create(executor, { browser, ...row }) {
      const request = randomSecret();
      await createAuthorizationRepository(executor).insert({
        ...row,
        requestHash: hashSecret(request),
        browserHash: hashSecret(browser),
        createdAt: now(),
        expiresAt: new Date(clock.now() + LIFETIME_MS),
      });
      return request;
    },

    async find(executor, { request, browser }) {
      if (!isToken(request)) return 'expired';
      const row = await createAuthorizationRepository(executor).find(hashSecret(request), now());
      if (!row) return 'expired';
      if (!isToken(browser) || row.browserHash !== hashSecret(browser)) return 'other_browser';
      const { kind, clientId, parameters } = row;
      const signedInBy = parameters['signedInBy'];
      return {
        request,
        browser,
        kind,
        clientId,
        parameters,
        signedInBy: typeof signedInBy === 'string' ? signedInBy : undefined,
      };
    },

    recordSignIn: (executor, { request, browser }, sessionId) =>
      createAuthorizationRepository(executor).recordSignIn(hashSecret(request), hashSecret(browser), sessionId, now()),

    take: (tx, { request, browser }) =>
      createAuthorizationRepository(tx).take(hashSecret(request), hashSecret(browser), now()),

    clear: (tx, limit) => createAuthorizationRepository(tx).deleteExpired(now(), limit),
  };
}
