/** Client metadata (RFC 7591 section 2), as clients register it themselves or publish it. */
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import type { FieldError } from '../../lib/errors.js';
import type { ClientAuthMethod, ClientGrantType } from '../clients/client.js';
import { checkSettings, defaultScopes, type ClientSettings, type GivenSettings } from '../clients/settings.js';
import { OAuthError } from '../error.js';

/** The settings of a client, and what the response repeats. */
export interface RegisteredMetadata {
  readonly settings: ClientSettings;
  /** `token_endpoint_auth_method`. */
  readonly method: string;
}

const METHODS: Readonly<Record<string, ClientAuthMethod>> = {
  none: 'NONE',
  client_secret_basic: 'CLIENT_SECRET',
  client_secret_post: 'CLIENT_SECRET',
  private_key_jwt: 'PRIVATE_KEY_JWT',
};
const GRANT_TYPES: Readonly<Record<string, ClientGrantType>> = {
  authorization_code: 'AUTHORIZATION_CODE',
  refresh_token: 'REFRESH_TOKEN',
  'urn:ietf:params:oauth:grant-type:device_code': 'DEVICE_CODE',
};
const DEFAULT_NAME = 'Unnamed application';

/** The `grant_type` values of a client. */
export function grantTypeNames(grantTypes: readonly ClientGrantType[]): string[] {
  return Object.entries(GRANT_TYPES).flatMap(([name, grantType]) => (grantTypes.includes(grantType) ? [name] : []));
}

/**
 * Reads and validates metadata. Members that are unknown are ignored, as are scopes that a client may not register itself.
 * @param defaultMethod of `token_endpoint_auth_method`
 * @throws OAuthError invalid_redirect_uri, invalid_client_metadata
 */
export function readMetadata(document: unknown, scopes: ScopeCatalogue, defaultMethod: string): RegisteredMetadata {
  if (!isRecord(document)) throw invalid('The metadata must be a JSON object.');
  const text = (name: string): string | undefined => {
    const value = document[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw invalid(`${name} must be a string.`);
    return value;
  };
  const texts = (name: string): string[] | undefined => {
    const value = document[name];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value) || !value.every((item): item is string => typeof item === 'string'))
      throw invalid(`${name} must be an array of strings.`);
    return value;
  };

  const method = text('token_endpoint_auth_method') ?? defaultMethod;
  const authMethod = own(METHODS, method);
  if (!authMethod) throw invalid('token_endpoint_auth_method is not supported.');
  const grantTypes = (texts('grant_types') ?? ['authorization_code']).map((name) => {
    const grantType = own(GRANT_TYPES, name);
    if (!grantType) throw invalid('grant_types has a value that is not supported.');
    return grantType;
  });
  const responseTypes = texts('response_types') ?? ['code'];
  if (!responseTypes.every((type) => type === 'code')) throw invalid('response_types must be code.');
  const type = authMethod === 'NONE' ? 'PUBLIC' : 'CONFIDENTIAL';

  const given: GivenSettings = {
    name: text('client_name')?.trim() || DEFAULT_NAME,
    type,
    authMethod,
    redirectUris: texts('redirect_uris') ?? [],
    postLogoutRedirectUris: texts('post_logout_redirect_uris') ?? [],
    grantTypes,
    scopes: readScopes(text('scope'), scopes),
    requirePkce: true,
    firstParty: false,
    mayIntrospect: false,
    jwks: authMethod === 'PRIVATE_KEY_JWT' ? (document['jwks'] ?? null) : null,
    // Logout tokens are sent to private networks as well, so a stranger must not choose their address.
    backchannelLogoutUri: null,
  };
  const { settings, errors } = checkSettings(given, () => true);
  if (errors.length > 0) throw errorOf(errors);
  return { settings, method };
}

/** The scopes of users and of OpenID Connect among the requested ones; the default ones without a request. */
function readScopes(requested: string | undefined, scopes: ScopeCatalogue): string[] {
  const allowed = new Set([...IDENTITY_SCOPES, ...scopes.granted('USER')]);
  if (requested === undefined) return [...defaultScopes(scopes), 'offline_access'];
  const names = requested.split(' ').filter((scope) => allowed.has(scope));
  if (names.length === 0) throw invalid('scope has no value that a client may register.');
  return names;
}

const MEMBERS: Readonly<Record<string, string>> = {
  name: 'client_name',
  redirectUris: 'redirect_uris',
  postLogoutRedirectUris: 'post_logout_redirect_uris',
  grantTypes: 'grant_types',
  jwks: 'jwks',
};

function errorOf(errors: readonly FieldError[]): OAuthError {
  const isOfUris = errors.every(({ field }) => field === 'redirectUris');
  const description = errors.map(({ field, message }) => `${MEMBERS[field] ?? field}: ${message}.`).join(' ');
  // Messages repeat URIs, and a description is printable ASCII without quotes and backslashes.
  const printable = description.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?');
  return new OAuthError(isOfUris ? 'invalid_redirect_uri' : 'invalid_client_metadata', printable);
}

function invalid(description: string): OAuthError {
  return new OAuthError('invalid_client_metadata', description);
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
