/** Defaults for well-known identity providers. */
import type { ProfileFields, ProviderKind, SecretMethod } from './identity-provider-settings.js';

export interface Preset {
  readonly kind: ProviderKind;
  /** For people. */
  readonly name: string;
  /** Undefined: the operator has an issuer of their own. */
  readonly issuer?: string;
  readonly scopes: readonly string[];
  /**
   * Whether the provider says of an email address that it is verified only if the person can read its mail. Only at the issuer of the
   * preset, if it has one: on a server of one's own, that depends on its settings.
   */
  readonly verifiesEmail: boolean;
  /** Default `client_secret_basic`, which RFC 6749 section 2.3.1 requires of every server. */
  readonly secretMethod?: SecretMethod;
  readonly endpoints?: { readonly authorization: string; readonly token: string; readonly profile: string };
  readonly profile?: ProfileFields | 'github' | 'discord';
}

const OPENID = ['openid', 'profile', 'email'];

export const PRESETS = {
  google: {
    kind: 'oidc',
    name: 'Google',
    issuer: 'https://accounts.google.com',
    scopes: OPENID,
    verifiesEmail: true,
  },
  // Its issuer contains the tenant. The administrator of a tenant chooses the addresses of its accounts.
  microsoft: { kind: 'oidc', name: 'Microsoft', scopes: OPENID, verifiesEmail: false },
  apple: {
    kind: 'oidc',
    name: 'Apple',
    issuer: 'https://appleid.apple.com',
    scopes: ['openid', 'name', 'email'],
    verifiesEmail: true,
  },
  // A server of one's own confirms addresses by itself unless an administrator turns confirmation on.
  gitlab: { kind: 'oidc', name: 'GitLab', issuer: 'https://gitlab.com', scopes: OPENID, verifiesEmail: true },
  // Administrators and connected providers can mark addresses as verified.
  keycloak: { kind: 'oidc', name: 'Keycloak', scopes: OPENID, verifiesEmail: false },
  auth0: { kind: 'oidc', name: 'Auth0', scopes: OPENID, verifiesEmail: false, secretMethod: 'client_secret_post' },
  latchkey: { kind: 'oidc', name: 'Latchkey', scopes: OPENID, verifiesEmail: true },
  github: {
    kind: 'oauth2',
    name: 'GitHub',
    // As GitHub's authorization responses have it (RFC 9207).
    issuer: 'https://github.com/login/oauth',
    scopes: ['read:user', 'user:email'],
    verifiesEmail: true,
    secretMethod: 'client_secret_post',
    endpoints: {
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      profile: 'https://api.github.com/user',
    },
    profile: 'github',
  },
  discord: {
    kind: 'oauth2',
    name: 'Discord',
    issuer: 'https://discord.com',
    scopes: ['identify', 'email'],
    verifiesEmail: true,
    endpoints: {
      authorization: 'https://discord.com/oauth2/authorize',
      token: 'https://discord.com/api/oauth2/token',
      profile: 'https://discord.com/api/v10/users/@me',
    },
    profile: 'discord',
  },
} as const satisfies Readonly<Record<string, Preset>>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[];
