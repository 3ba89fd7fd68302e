/** The inputs of client administration, with their defaults. */
import type { ScopeCatalogue } from '../../authz/scopes.js';
import { validationError, type FieldError } from '../../lib/errors.js';
import type { ClientAuthMethod, ClientGrantType, ClientType, OAuthClient } from './client.js';
import { defaultScopes, type GivenSettings } from './settings.js';

type Optional<T> = { readonly [Key in keyof T]?: T[Key] | null | undefined };

interface ChangeableSettings {
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly grantTypes: readonly ClientGrantType[];
  readonly scopes: readonly string[];
  readonly requirePkce: boolean;
  readonly firstParty: boolean;
  readonly mayIntrospect: boolean;
  /** A JWK Set. */
  readonly jwks: object;
  readonly backchannelLogoutUri: string;
}

/** A new client. A field that is left out or null has its default. */
export interface ClientInput extends Optional<ChangeableSettings> {
  readonly name: string;
  readonly type?: ClientType | null | undefined;
  readonly authMethod?: ClientAuthMethod | null | undefined;
  readonly serviceAccountId?: string | null | undefined;
}

/** Changes of a client. A field that is left out stays. `null` clears `jwks` and `backchannelLogoutUri`, and is refused elsewhere. */
export type ClientUpdate = Optional<ChangeableSettings & { readonly name: string; readonly disabled: boolean }>;

const CLEARABLE: ReadonlySet<string> = new Set(['jwks', 'backchannelLogoutUri']);

/** The settings of a new client. */
export function newSettings(input: ClientInput, scopes: ScopeCatalogue): GivenSettings {
  const type = input.type ?? (input.authMethod === 'NONE' ? 'PUBLIC' : 'CONFIDENTIAL');
  return {
    name: input.name,
    type,
    authMethod: input.authMethod ?? (type === 'PUBLIC' ? 'NONE' : 'CLIENT_SECRET'),
    redirectUris: [...(input.redirectUris ?? [])],
    postLogoutRedirectUris: [...(input.postLogoutRedirectUris ?? [])],
    grantTypes: [...(input.grantTypes ?? ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'])],
    scopes: [...(input.scopes ?? defaultScopes(scopes))],
    requirePkce: input.requirePkce ?? true,
    firstParty: input.firstParty ?? false,
    mayIntrospect: input.mayIntrospect ?? false,
    jwks: input.jwks ?? null,
    backchannelLogoutUri: input.backchannelLogoutUri ?? null,
  };
}

/** @throws AppError VALIDATION_ERROR for null where it is not allowed, and for settings that come from a metadata document */
export function assertUpdatable({ source }: OAuthClient, input: ClientUpdate): void {
  const errors: FieldError[] = [];
  for (const [field, value] of Object.entries(input)) {
    if (value === null && !CLEARABLE.has(field)) errors.push({ field, message: 'cannot be cleared' });
    if (value !== undefined && source === 'METADATA_DOCUMENT' && field !== 'disabled')
      errors.push({ field, message: "comes from the client's metadata document" });
  }
  if (errors.length > 0) throw validationError(errors);
}

/** The settings of a client after the changes. */
export function mergeChanges(before: OAuthClient, input: ClientUpdate): GivenSettings {
  return {
    name: input.name ?? before.name,
    type: before.type,
    authMethod: before.authMethod,
    redirectUris: [...(input.redirectUris ?? before.redirectUris)],
    postLogoutRedirectUris: [...(input.postLogoutRedirectUris ?? before.postLogoutRedirectUris)],
    grantTypes: [...(input.grantTypes ?? before.grantTypes)],
    scopes: [...(input.scopes ?? before.scopes)],
    requirePkce: input.requirePkce ?? before.requirePkce,
    firstParty: input.firstParty ?? before.firstParty,
    mayIntrospect: input.mayIntrospect ?? before.mayIntrospect,
    jwks: input.jwks === undefined ? before.jwks : input.jwks,
    backchannelLogoutUri:
      input.backchannelLogoutUri === undefined ? before.backchannelLogoutUri : input.backchannelLogoutUri,
  };
}
