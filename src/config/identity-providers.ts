/**
 * IDENTITY_PROVIDERS: the providers at which people sign in, as a JSON array or the path of a file with one. Every issue names the
 * entry and the field, and no issue contains a value.
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isLoopbackUrl } from '../lib/guarded-fetch.js';
import { isJsonObject, type JsonObject } from '../lib/json.js';
import { entryReader, type EntryReader, type Report } from './entry-reader.js';
import { PRESET_NAMES, PRESETS, type Preset } from './identity-presets.js';
import type {
  ClientAuthentication,
  IdentityProviderSettings,
  OAuth2Settings,
  OidcSettings,
  ProfileFields,
  ProviderKind,
  ProviderSettings,
} from './identity-provider-settings.js';

const KINDS = ['oidc', 'oauth2', 'plex'] as const;
const METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;
const OPTIONAL_FIELDS = ['username', 'displayName', 'avatarUrl', 'email', 'emailVerified'] as const;
const OPENID = ['openid', 'profile', 'email'];
const PLEX: Preset = { kind: 'plex', name: 'Plex', issuer: 'https://plex.tv', scopes: [], verifiesEmail: false };

const ID = /^[a-z][a-z0-9-]{0,31}$/;
const ID_FORM = 'lower-case letters, digits and dashes, at most 32, starting with a letter';
const GUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;
const APPLE_ID = /^[A-Z\d]{10}$/;
/** RFC 6749, appendix A. */
const VISIBLE = /^[\x20-\x7e]{1,4096}$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const PATH = /^[\w-]{1,64}(?:\.[\w-]{1,64}){0,7}$/;
/** Shown to people: no control characters. */
const NAME = /^[^\p{C}]{1,64}$/u;
const URL_TEXT = /^[\x21-\x7e]{1,2048}$/;
const URL_FORM = 'an https URL; http only for loopback';

/** @param text the value of the setting */
export function parseIdentityProviders(
  name: string,
  text: string,
  report: Report,
): readonly IdentityProviderSettings[] {
  const list = parseList(name, text, report);
  const ids = new Set<string>();
  const providers = list.flatMap((entry, index) => {
    if (!isJsonObject(entry)) return report(`${name}[${index}]`, 'an object', []);
    const { id } = entry;
    const provider = readProvider(`${name}[${typeof id === 'string' && ID.test(id) ? id : index}]`, entry, report);
    if (provider && ids.has(provider.id)) report(`${name}[${index}].id`, 'an id that no other entry has', undefined);
    if (provider) ids.add(provider.id);
    return provider ? [Object.freeze(provider)] : [];
  });
  return Object.freeze(providers);
}

function parseList(name: string, text: string, report: Report): readonly unknown[] {
  let json = text;
  if (!/^[[{]/.test(text)) {
    try {
      json = readFileSync(text, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return report(name, `a JSON array, or the path of a file that can be read; reading failed (${code})`, []);
    }
  }
  try {
    const list = JSON.parse(json) as unknown;
    if (Array.isArray(list)) return list;
  } catch {
    // The message of the error contains a part of the text.
  }
  return report(name, 'a JSON array of providers', []);
}

function readProvider(where: string, entry: JsonObject, report: Report): IdentityProviderSettings | undefined {
  const read = entryReader(where, entry, report);
  const id = read.text('id', ID_FORM, (text) => ID.test(text));
  const presetName = read.optionalOneOf('preset', PRESET_NAMES);
  // What else the entry must have depends on the preset and the kind.
  if (read.has('preset') && presetName === undefined) return undefined;
  const preset = presetName && PRESETS[presetName];
  const kind = readKind(read, preset);
  if (kind === undefined) return undefined;
  const defaults: Preset | undefined = kind === 'plex' ? PLEX : preset;
  const issuer = presetName === 'microsoft' ? readTenant(read) : readIssuer(read, defaults?.issuer);
  if (presetName === 'auth0' && issuer !== '' && !issuer.endsWith('/'))
    read.invalid('issuer', 'a slash at the end, as Auth0 has it', '');
  const base = {
    id,
    name: read.text('name', 'a name for people, at most 64 characters', (text) => NAME.test(text), defaults?.name),
    issuer,
    trustEmail: read.flag('trustEmail', verifiesEmail(defaults, issuer)),
    allowPrivateAddresses: read.flag('allowPrivateAddresses', false),
  };
  const provider = kind === 'plex' ? { ...base, kind } : readClient(read, base, kind, preset, presetName === 'apple');
  read.refuseOthers();
  return provider;
}

function readKind(read: EntryReader, preset: Preset | undefined): ProviderKind | undefined {
  const given = read.optionalOneOf('kind', KINDS);
  if (read.has('kind') && given === undefined) return undefined;
  const kind = given ?? preset?.kind;
  if (kind === undefined) return read.invalid('kind', `one of ${KINDS.join(', ')}, or a preset`, undefined);
  return preset && preset.kind !== kind ? read.invalid('kind', `${preset.kind}, as the preset is`, undefined) : kind;
}

/** The tenants `common` and `organizations` have no issuer of their own: owners of any tenant could sign in as anybody. */
function readTenant(read: EntryReader): string {
  const tenant = read.text('tenant', 'the id of one tenant, a GUID', (text) => GUID.test(text));
  return `https://login.microsoftonline.com/${tenant.toLowerCase()}/v2.0`;
}

function readIssuer(read: EntryReader, fallback: string | undefined): string {
  return read.text('issuer', `${URL_FORM}, without a query`, isIssuer, fallback);
}

const verifiesEmail = (preset: Preset | undefined, issuer: string): boolean =>
  preset !== undefined && preset.verifiesEmail && (preset.issuer ?? issuer) === issuer;

function readClient(
  read: EntryReader,
  base: ProviderSettings,
  kind: 'oidc' | 'oauth2',
  preset: Preset | undefined,
  isApple: boolean,
): OidcSettings | OAuth2Settings {
  const isOpenId = kind === 'oidc';
  const client = {
    ...base,
    clientId: read.text('clientId', 'the id of the client at the provider', (text) => VISIBLE.test(text)),
    clientAuthentication: Object.freeze(isApple ? readAppleKey(read) : readSecret(read, preset)),
    scopes: read.texts(
      'scopes',
      'an array of scopes',
      (text) => SCOPE.test(text),
      preset?.scopes ?? (isOpenId ? OPENID : []),
    ),
  };
  if (isOpenId) {
    if (!client.scopes.includes('openid')) read.invalid('scopes', 'openid among the scopes', undefined);
    return { ...client, kind };
  }
  const endpoint = (field: string, fallback: string | undefined) => read.text(field, URL_FORM, isEndpoint, fallback);
  const settings: OAuth2Settings = {
    ...client,
    kind,
    authorizationEndpoint: endpoint('authorizationEndpoint', preset?.endpoints?.authorization),
    tokenEndpoint: endpoint('tokenEndpoint', preset?.endpoints?.token),
    profileEndpoint: endpoint('profileEndpoint', preset?.endpoints?.profile),
    profile: preset?.profile ?? readFields(read, base.trustEmail),
  };
  return settings;
}

function readSecret(read: EntryReader, preset: Preset | undefined): ClientAuthentication {
  const method = read.optionalOneOf('clientAuthentication', METHODS) ?? preset?.secretMethod ?? 'client_secret_basic';
  if (method === 'none') return { method };
  const expected = 'the secret of the client; a client without one has "clientAuthentication": "none"';
  return { method, secret: read.text('clientSecret', expected, (text) => VISIBLE.test(text)) };
}

function readAppleKey(read: EntryReader): ClientAuthentication {
  const isAppleId = (text: string) => APPLE_ID.test(text);
  return {
    method: 'apple',
    teamId: read.text('teamId', 'the ten characters of the team', isAppleId),
    keyId: read.text('keyId', 'the ten characters of the key', isAppleId),
    privateKey: read.text('privateKey', 'the content of the .p8 file, a private key on P-256 in PEM', isP256Key),
  };
}

function readFields(read: EntryReader, trustEmail: boolean): ProfileFields {
  const expected = 'the path of a member of the profile, such as id or data.id';
  const isPath = (text: string) => PATH.test(text);
  const nested = read.object('profileFields', 'an object with at least subject');
  if (!nested) return { subject: '' };
  const subject = nested.text('subject', expected, isPath);
  const optional = OPTIONAL_FIELDS.filter((field) => nested.has(field));
  const fields = Object.fromEntries(optional.map((field) => [field, nested.text(field, expected, isPath)]));
  nested.refuseOthers();
  if (trustEmail && !(nested.has('email') && nested.has('emailVerified')))
    read.invalid('trustEmail', 'profileFields to have email and emailVerified', undefined);
  return Object.freeze({ subject, ...fields });
}

function isEndpoint(text: string): boolean {
  if (!URL_TEXT.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopbackUrl(text));
  return isSafe && username === '' && password === '' && !text.includes('#');
}

function isIssuer(text: string): boolean {
  return isEndpoint(text) && !text.includes('?');
}

function isP256Key(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve === 'prime256v1';
  } catch {
    return false;
  }
}
