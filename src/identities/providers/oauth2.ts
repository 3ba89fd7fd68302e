/** Providers of OAuth 2.0 without OpenID Connect: an access token reads the profile of its person. */
import { allowInsecureRequests, Configuration, customFetch, fetchProtectedResource } from 'openid-client';
import type { OAuth2Settings, ProfileFields } from '../../config/identity-provider-settings.js';
import { isLoopbackUrl } from '../../lib/guarded-fetch.js';
import { isJsonObject, type JsonObject } from '../../lib/json.js';
import type { IdentityProfile, IdentityProvider } from '../provider.js';
import { clientAuthentication, customFetchOf, exchangeCode, startCodeFlow } from './client.js';
import type { ClientDependencies } from './client.js';
import { readDiscordProfile } from './discord.js';
import { providerFailed, runStep } from './failure.js';
import { readGitHubProfile } from './github.js';

/** A profile with members of any type. */
export interface RawProfile {
  readonly subject: unknown;
  readonly username: unknown;
  readonly displayName: unknown;
  readonly avatarUrl: unknown;
  /** Null unless the provider says that it is verified. */
  readonly email: unknown;
}

export interface ProfileSource {
  /** The answer of the profile endpoint. */
  readonly profile: JsonObject;
  readonly settings: OAuth2Settings;
  /** Reads JSON with the access token of the person. */
  get(url: string): Promise<unknown>;
}

export function createOAuth2Provider(settings: OAuth2Settings, dependencies: ClientDependencies): IdentityProvider {
  const { id, name, kind, issuer, scopes, trustEmail, profileEndpoint } = settings;
  const { timeoutMs } = dependencies;
  const configuration = configurationOf(settings, dependencies);

  async function get(accessToken: string, url: string): Promise<unknown> {
    const headers = new Headers({ accept: 'application/json' });
    const response = await fetchProtectedResource(configuration, accessToken, new URL(url), 'GET', null, headers);
    if (response.status !== 200) throw providerFailed(`The status of the profile is ${response.status}.`);
    return response.json().catch(() => {
      throw providerFailed('The profile is not JSON.');
    });
  }

  return {
    ...{ id, name, kind, issuer, postsCallback: false },

    start: (redirectUri, state) =>
      runStep(timeoutMs, () => startCodeFlow(configuration, scopes, { redirect_uri: redirectUri, state })),

    finish: (callback) =>
      runStep(timeoutMs, async () => {
        const { access_token: token } = await exchangeCode(configuration, callback);
        const profile = await get(token, profileEndpoint);
        if (!isJsonObject(profile)) throw providerFailed('The profile is not an object.');
        const raw = await readProfile({ profile, settings, get: (url) => get(token, url) });
        return profileOf(raw, issuer, trustEmail);
      }),
  };
}

function configurationOf(settings: OAuth2Settings, { fetch }: ClientDependencies): Configuration {
  const { issuer, authorizationEndpoint, tokenEndpoint, profileEndpoint, clientId } = settings;
  const server = { issuer, authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint };
  const authentication = clientAuthentication(settings.clientAuthentication);
  const configuration = new Configuration(server, clientId, undefined, authentication);
  configuration[customFetch] = customFetchOf(fetch);
  // The guarded fetch permits http for loopback addresses only.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  if ([authorizationEndpoint, tokenEndpoint, profileEndpoint].some(isLoopbackUrl)) allowInsecureRequests(configuration);
  return configuration;
}

function readProfile(source: ProfileSource): RawProfile | Promise<RawProfile> {
  const { profile } = source.settings;
  if (profile === 'github') return readGitHubProfile(source);
  if (profile === 'discord') return readDiscordProfile(source);
  return readFields(source.profile, profile);
}

function readFields(profile: JsonObject, fields: ProfileFields): RawProfile {
  const at = (path: string | undefined) => (path === undefined ? null : memberAt(profile, path));
  return {
    subject: at(fields.subject),
    username: at(fields.username),
    displayName: at(fields.displayName),
    avatarUrl: at(fields.avatarUrl),
    email: at(fields.emailVerified) === true ? at(fields.email) : null,
  };
}

/** @param path names with dots between them */
function memberAt(profile: JsonObject, path: string): unknown {
  let value: unknown = profile;
  for (const name of path.split('.')) value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : null;
  return value;
}

function profileOf(raw: RawProfile, issuer: string, trustEmail: boolean): IdentityProfile {
  return {
    issuer,
    subject: subjectOf(raw.subject),
    email: trustEmail ? textOf(raw.email) : null,
    username: textOf(raw.username),
    displayName: textOf(raw.displayName),
    avatarUrl: textOf(raw.avatarUrl),
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** @throws IdentityProviderError for a number that JSON.parse rounded: it would be that of several people */
function subjectOf(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw providerFailed('The profile has no subject.');
}
