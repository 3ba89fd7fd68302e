/** Validates authorization requests (RFC 6749, RFC 7636, RFC 8707, RFC 9101, RFC 9207, OpenID Connect Core 1.0). Pure functions. */
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import type { OAuthClient } from '../clients/client.js';
import { OAuthError } from '../error.js';
import { readResources } from '../resources.js';
import { isPlain, type AuthorizationParameters } from './parameters.js';
import { isRedirectUri } from './redirect-uri.js';

export type Prompt = 'none' | 'login' | 'consent' | 'select_account';

/** A valid request. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly state: string | undefined;
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  /** The S256 challenge; null for a client that needs none. */
  readonly codeChallenge: string | null;
  readonly nonce: string | null;
  readonly prompts: ReadonlySet<Prompt>;
  /** Seconds; undefined for any age of the login. */
  readonly maxAge: number | undefined;
  readonly loginHint: string | undefined;
}

/** Where a response to the client goes. */
export interface ResponseTarget {
  readonly redirectUri: string;
  readonly state: string | undefined;
}

/** A SHA-256 hash in base64url (RFC 7636 section 4.2). */
const CHALLENGE = /^[\w-]{43}$/;
const PROMPTS: ReadonlySet<string> = new Set<Prompt>(['none', 'login', 'consent', 'select_account']);

/** The target of responses; undefined if no response may be sent to it. */
export function responseTarget(client: OAuthClient, parameters: AuthorizationParameters): ResponseTarget | undefined {
  const redirectUri = parameters.get('redirect_uri');
  if (redirectUri === undefined || !isRedirectUri(client, redirectUri)) return undefined;
  const state = parameters.get('state');
  return { redirectUri, state: state !== undefined && isPlain(state) ? state : undefined };
}

/** Validates what follows client and redirect URI. @param issuer PUBLIC_URL @throws OAuthError to send to the client */
export function validateRequest(
  { redirectUri, state }: ResponseTarget,
  client: OAuthClient,
  parameters: AuthorizationParameters,
  catalogue: ScopeCatalogue,
  issuer: string,
): AuthorizationRequest {
  if (parameters.repeated.length > 0) throw new OAuthError('invalid_request', 'A parameter is repeated.');
  if (parameters.isMalformed) throw new OAuthError('invalid_request', 'A parameter is too long or malformed.');
  if (!client.grantTypes.includes('AUTHORIZATION_CODE'))
    throw new OAuthError('unauthorized_client', 'The client may not use the authorization code grant.');
  checkResponse(parameters);
  return {
    redirectUri,
    state,
    codeChallenge: readChallenge(client, parameters),
    scopes: readScopes(client, parameters, catalogue),
    resources: readResources(parameters, issuer),
    nonce: parameters.get('nonce') ?? null,
    prompts: readPrompts(parameters),
    maxAge: readMaxAge(parameters),
    loginHint: parameters.get('login_hint'),
  };
}

function checkResponse(parameters: AuthorizationParameters): void {
  if (parameters.get('request') !== undefined)
    throw new OAuthError('request_not_supported', 'Request objects are not supported.');
  if (parameters.get('request_uri') !== undefined)
    throw new OAuthError('request_uri_not_supported', 'Request objects are not supported.');
  if (parameters.get('registration') !== undefined)
    throw new OAuthError('registration_not_supported', 'The registration parameter is not supported.');
  const type = parameters.get('response_type');
  if (type === undefined) throw new OAuthError('invalid_request', 'The response_type is missing.');
  if (type !== 'code') throw new OAuthError('unsupported_response_type', 'Only the response_type code is supported.');
  if ((parameters.get('response_mode') ?? 'query') !== 'query')
    throw new OAuthError('invalid_request', 'Only the response_mode query is supported.');
}

/** PKCE, S256 only. A client that needs none may use it. */
function readChallenge({ type, requirePkce }: OAuthClient, parameters: AuthorizationParameters): string | null {
  const challenge = parameters.get('code_challenge');
  const method = parameters.get('code_challenge_method');
  if (challenge === undefined) {
    if (requirePkce || type === 'PUBLIC' || method !== undefined)
      throw new OAuthError('invalid_request', 'The code_challenge is missing.');
    return null;
  }
  // Without a method, RFC 7636 section 4.3 means plain.
  if (method !== 'S256') throw new OAuthError('invalid_request', 'The code_challenge_method must be S256.');
  if (!CHALLENGE.test(challenge)) throw new OAuthError('invalid_request', 'The code_challenge is malformed.');
  return challenge;
}

function readScopes(client: OAuthClient, parameters: AuthorizationParameters, { all }: ScopeCatalogue): string[] {
  const requested =
    parameters
      .get('scope')
      ?.split(' ')
      .filter((scope) => scope !== '') ?? [];
  const isKnown = (scope: string) => all.has(scope) || IDENTITY_SCOPES.has(scope);
  if (requested.length === 0) return client.scopes.filter(isKnown);
  if (!requested.every((scope) => isKnown(scope) && client.scopes.includes(scope)))
    throw new OAuthError('invalid_scope', 'A scope is unknown, or the client may not request it.');
  return [...new Set(requested)];
}

function readPrompts(parameters: AuthorizationParameters): ReadonlySet<Prompt> {
  const prompts =
    parameters
      .get('prompt')
      ?.split(' ')
      .filter((prompt) => prompt !== '') ?? [];
  if (!prompts.every((prompt): prompt is Prompt => PROMPTS.has(prompt)))
    throw new OAuthError('invalid_request', 'The prompt is not supported.');
  const distinct = new Set(prompts);
  if (distinct.has('none') && distinct.size > 1)
    throw new OAuthError('invalid_request', 'The prompt none excludes others.');
  return distinct;
}

function readMaxAge(parameters: AuthorizationParameters): number | undefined {
  const maxAge = parameters.get('max_age');
  if (maxAge === undefined) return undefined;
  if (!/^\d{1,10}$/.test(maxAge)) throw new OAuthError('invalid_request', 'The max_age must be a number of seconds.');
  return Number(maxAge);
}
