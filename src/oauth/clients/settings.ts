/** Validation of a client's settings, however it is registered. */
import { IDENTITY_SCOPES, type ScopeCatalogue } from '../../authz/scopes.js';
import type { FieldError } from '../../lib/errors.js';
import { displayNameError, cleanDisplayName } from '../../users/display-name.js';
import { createFieldErrors } from '../../users/input.js';
import type { OAuthClient } from './client.js';
import { checkJwks } from './jwks.js';
import { logoutUriError, redirectUriError } from './redirect-uri.js';

export type ClientSettings = Pick<
  OAuthClient,
  | 'name'
  | 'type'
  | 'authMethod'
  | 'redirectUris'
  | 'postLogoutRedirectUris'
  | 'grantTypes'
  | 'scopes'
  | 'requirePkce'
  | 'firstParty'
  | 'mayIntrospect'
  | 'jwks'
  | 'backchannelLogoutUri'
>;

/** Settings as they come in: the keys are not checked yet. */
export type GivenSettings = Omit<ClientSettings, 'jwks'> & { readonly jwks: unknown };

const MAX_URIS = 20;

/** The default scopes: the user scopes, and the identity that most clients want to read. */
export function defaultScopes(scopes: ScopeCatalogue): string[] {
  return ['openid', 'profile', 'email', ...scopes.granted('USER')];
}

/**
 * Checks all settings together.
 * @param isScope whether a scope may be registered
 * @returns the settings in their stored form, and every error
 */
export function checkSettings(
  given: GivenSettings,
  isScope: (scope: string) => boolean,
): { readonly settings: ClientSettings; readonly errors: readonly FieldError[] } {
  const errors = createFieldErrors();
  const { type, authMethod } = given;
  const isPublic = type === 'PUBLIC';
  const grants = new Set(given.grantTypes);
  const has = (...grantTypes: readonly OAuthClient['grantTypes'][number][]) =>
    grantTypes.some((grantType) => grants.has(grantType));

  const name = cleanDisplayName(given.name);
  const nameError = name === '' ? 'must not be empty' : displayNameError(given.name);
  if (nameError !== undefined) errors.add('name', nameError);
  if (isPublic !== (authMethod === 'NONE'))
    errors.add('authMethod', isPublic ? 'must be NONE for a public client' : 'is NONE for public clients only');

  const uris = (field: 'redirectUris' | 'postLogoutRedirectUris'): string[] => {
    const distinct = [...new Set(given[field])];
    if (distinct.length > MAX_URIS) errors.add(field, `must be at most ${MAX_URIS} URIs`);
    else {
      for (const [at, uri] of distinct.entries()) {
        const error = redirectUriError(uri, type);
        if (error !== undefined) errors.add(field, `number ${at + 1} ${error}`);
      }
    }
    return distinct;
  };
  const redirectUris = uris('redirectUris');
  const postLogoutRedirectUris = uris('postLogoutRedirectUris');
  if (has('AUTHORIZATION_CODE') && redirectUris.length === 0)
    errors.add('redirectUris', 'must have at least one for AUTHORIZATION_CODE');

  if (grants.size === 0) errors.add('grantTypes', 'must have at least one');
  if (has('CLIENT_CREDENTIALS') && isPublic)
    errors.add('grantTypes', 'CLIENT_CREDENTIALS is for confidential clients only');
  if (has('REFRESH_TOKEN') && !has('AUTHORIZATION_CODE', 'DEVICE_CODE'))
    errors.add('grantTypes', 'REFRESH_TOKEN needs AUTHORIZATION_CODE or DEVICE_CODE');

  const scopes = [...new Set(given.scopes)];
  if (!scopes.every(isScope)) errors.add('scopes', 'has an unknown scope');
  if (!given.requirePkce && isPublic) errors.add('requirePkce', 'must be true for a public client');
  if (given.mayIntrospect && isPublic) errors.add('mayIntrospect', 'is for confidential clients only');

  const usesKeys = authMethod === 'PRIVATE_KEY_JWT';
  if (usesKeys !== (given.jwks !== null))
    errors.add('jwks', usesKeys ? 'is needed for PRIVATE_KEY_JWT' : 'is for PRIVATE_KEY_JWT only');
  const jwks = given.jwks === null ? null : (errors.take('jwks', checkJwks(given.jwks)) ?? null);

  const { backchannelLogoutUri } = given;
  const logoutError = backchannelLogoutUri === null ? undefined : logoutUriError(backchannelLogoutUri, type);
  if (logoutError !== undefined) errors.add('backchannelLogoutUri', logoutError);

  const grantTypes = [...grants];
  return {
    settings: { ...given, name, redirectUris, postLogoutRedirectUris, grantTypes, scopes, jwks },
    errors: errors.all,
  };
}

/** Whether a scope is one of the deployment, or one of OpenID Connect. */
export function isClientScope({ all }: ScopeCatalogue, scope: string): boolean {
  return all.has(scope) || IDENTITY_SCOPES.has(scope);
}

/** The names of the settings that differ. */
export function changedFields(before: OAuthClient, settings: Partial<OAuthClient>): string[] {
  return Object.entries(settings)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof OAuthClient]))
    .map(([name]) => name);
}
