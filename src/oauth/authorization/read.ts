/** Reads an authorization request: first its client and redirect URI, which decide where an error goes. */
import type { ScopeCatalogue } from '../../authz/scopes.js';
import type { OAuthClient } from '../clients/client.js';
import { OAuthError } from '../error.js';
import { parseAuthorizationParameters } from './parameters.js';
import type { PendingRequest } from './pending.js';
import { responseTarget, validateRequest, type AuthorizationRequest, type ResponseTarget } from './request.js';
import { errorResponse } from './response.js';
import type { ReadIdTokenHint } from './id-token-hint.js';
import type { Step } from './step.js';

/** A valid request with its client. */
export interface ValidRequest {
  /** Its parameters as text. */
  readonly search: string;
  readonly client: OAuthClient;
  readonly request: AuthorizationRequest;
  /** The person that the request is about: undefined without a hint, null if the hint is no ID token of the client. */
  readonly hintedUserId: string | null | undefined;
  /** Where the browser waits; undefined if the request has just arrived. */
  readonly waiting: PendingRequest | undefined;
  /** The value of the browser's cookie. */
  readonly browser: string;
}

export interface RequestReader {
  /** The client if it may have responses at all. */
  enabledClient(id: string | undefined): Promise<OAuthClient | undefined>;
  /** The step is a page of the provider, or an error for the client. */
  read(search: string, browser: string, waiting?: PendingRequest): Promise<ValidRequest | Step>;
  /** Reads a pending request again: its client may have changed. */
  readPending(waiting: PendingRequest): Promise<ValidRequest | Step>;
  /** An error for the client. */
  toClient(target: ResponseTarget, error: OAuthError): Step;
}

export interface RequestReaderOptions {
  readonly findClient: (id: string) => Promise<OAuthClient | undefined>;
  readonly readIdTokenHint: ReadIdTokenHint;
  readonly scopes: ScopeCatalogue;
  /** PUBLIC_URL. */
  readonly issuer: string;
}

/** Printable ASCII: a UUID, or the URL of a metadata document. */
const CLIENT_ID = /^[\x21-\x7e]{1,2048}$/;

/** Whether a request was read, and is not a step already. */
export function isValid(read: ValidRequest | Step): read is ValidRequest {
  return 'client' in read;
}

export function createRequestReader(options: RequestReaderOptions): RequestReader {
  const { findClient, readIdTokenHint, scopes, issuer } = options;
  const toClient = (target: ResponseTarget, error: OAuthError): Step => ({
    kind: 'redirect',
    url: errorResponse(target, issuer, error),
  });

  async function enabledClient(id: string | undefined): Promise<OAuthClient | undefined> {
    const client = id !== undefined && CLIENT_ID.test(id) ? await findClient(id) : undefined;
    return client?.disabledAt === null ? client : undefined;
  }

  async function hintedUser(token: string | undefined, client: OAuthClient): Promise<string | null | undefined> {
    if (token === undefined) return undefined;
    const hint = await readIdTokenHint(token);
    return hint?.clientId === client.id ? hint.userId : null;
  }

  async function read(search: string, browser: string, waiting?: PendingRequest): Promise<ValidRequest | Step> {
    const parameters = parseAuthorizationParameters(search);
    const client = await enabledClient(parameters.get('client_id'));
    if (!client) return { kind: 'problem', problem: 'client' };
    const target = responseTarget(client, parameters);
    if (!target) return { kind: 'problem', problem: 'redirect_uri' };
    try {
      const request = validateRequest(target, client, parameters, scopes, issuer);
      const hintedUserId = await hintedUser(parameters.get('id_token_hint'), client);
      return { search, client, request, hintedUserId, waiting, browser };
    } catch (error) {
      if (error instanceof OAuthError) return toClient(target, error);
      throw error;
    }
  }

  return {
    enabledClient,
    read,
    readPending(waiting) {
      const { search } = waiting.parameters;
      return read(typeof search === 'string' ? search : '', waiting.browser, waiting);
    },
    toClient,
  };
}
