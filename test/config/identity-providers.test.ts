/** IDENTITY_PROVIDERS and the settings around it. */
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { ConfigError, loadConfig, loadSettings } from '../../src/config/config.js';
import { returnToOriginsOf } from '../../src/config/identities.js';
import { PRESET_NAMES } from '../../src/config/identity-presets.js';

const SECRET = 'n3Vq8sT1yZ6uB4wX9cK2mP7rL5dF0gHj';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const keyOn = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const APPLE = {
  preset: 'apple',
  clientId: 'com.example.web',
  teamId: 'A1B2C3D4E5',
  keyId: 'F6G7H8I9J0',
  privateKey: keyOn('P-256'),
};
const CLIENT = { clientId: 'c', clientSecret: SECRET };
const OIDC = { id: 'own', name: 'Own', kind: 'oidc', issuer: 'https://id.example.com', ...CLIENT };
const OAUTH2 = {
  ...{ id: 'plain', name: 'Plain', kind: 'oauth2', issuer: 'https://plain.example.com', ...CLIENT },
  authorizationEndpoint: 'https://plain.example.com/authorize',
  tokenEndpoint: 'https://plain.example.com/token',
  profileEndpoint: 'https://api.plain.example.com/me?fields=all',
  profileFields: { subject: 'data.id', username: 'data.login' },
};

function issuesOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}
const providersOf = (...entries: object[]) =>
  loadConfig({ IDENTITY_PROVIDERS: JSON.stringify(entries) }).identities.providers;
const entryIssues = (...entries: unknown[]) => issuesOf({ IDENTITY_PROVIDERS: JSON.stringify(entries) });

t.test('has no providers by default', async (t) => {
  t.match(loadConfig({}), {
    identities: { providers: [], returnToOrigins: [] },
    plex: { clientIdentifier: 'latchkey', serverId: undefined, serverOwnerId: undefined, acceptTokens: 'false' },
  });
});

t.test('fills in the defaults of each preset', async (t) => {
  const own = { issuer: 'https://id.example.com/' };
  const needs: Readonly<Record<string, object>> = {
    microsoft: { tenant: TENANT.toUpperCase() },
    apple: APPLE,
    keycloak: own,
    auth0: own,
    latchkey: own,
  };
  const providers = providersOf(
    ...PRESET_NAMES.map((preset) => ({ id: preset, preset, ...(preset === 'apple' ? {} : CLIENT), ...needs[preset] })),
  );
  t.same(
    providers.map(({ id, kind, name, issuer, trustEmail }) => [id, kind, name, issuer, trustEmail]),
    [
      ['google', 'oidc', 'Google', 'https://accounts.google.com', true],
      ['microsoft', 'oidc', 'Microsoft', `https://login.microsoftonline.com/${TENANT}/v2.0`, false],
      ['apple', 'oidc', 'Apple', 'https://appleid.apple.com', true],
      ['gitlab', 'oidc', 'GitLab', 'https://gitlab.com', true],
      ['keycloak', 'oidc', 'Keycloak', own.issuer, false],
      ['auth0', 'oidc', 'Auth0', own.issuer, false],
      ['latchkey', 'oidc', 'Latchkey', own.issuer, true],
      ['github', 'oauth2', 'GitHub', 'https://github.com/login/oauth', true],
      ['discord', 'oauth2', 'Discord', 'https://discord.com', true],
    ],
  );
  const authentications = Object.fromEntries(
    providers.map((provider) => [provider.id, provider.kind !== 'plex' && provider.clientAuthentication]),
  );
  t.match(authentications, {
    google: { method: 'client_secret_basic', secret: SECRET },
    auth0: { method: 'client_secret_post' },
    github: { method: 'client_secret_post' },
    apple: { method: 'apple', teamId: APPLE.teamId, keyId: APPLE.keyId, privateKey: APPLE.privateKey },
  });
  t.ok(Object.isFrozen(providers) && providers.every(Object.isFrozen));
});

t.test('reads providers without a preset', async (t) => {
  const base = { trustEmail: false, allowPrivateAddresses: false, clientId: 'c' };
  const clientAuthentication = { method: 'client_secret_basic', secret: SECRET };
  const plex = { id: 'plex', kind: 'plex' };
  t.same(providersOf(OIDC, OAUTH2, plex), [
    {
      ...{ ...base, id: 'own', name: 'Own', kind: 'oidc', issuer: OIDC.issuer, clientAuthentication },
      scopes: ['openid', 'profile', 'email'],
    },
    {
      ...{
        ...base,
        id: 'plain',
        name: 'Plain',
        kind: 'oauth2',
        issuer: OAUTH2.issuer,
        clientAuthentication,
        scopes: [],
      },
      authorizationEndpoint: OAUTH2.authorizationEndpoint,
      tokenEndpoint: OAUTH2.tokenEndpoint,
      profileEndpoint: OAUTH2.profileEndpoint,
      profile: OAUTH2.profileFields,
    },
    { ...plex, name: 'Plex', issuer: 'https://plex.tv', trustEmail: false, allowPrivateAddresses: false },
  ]);
});

t.test('lets an entry override the defaults', async (t) => {
  const [provider] = providersOf({
    ...{ id: 'work', preset: 'google', kind: 'oidc', name: 'Work', clientId: 'c', clientAuthentication: 'none' },
    ...{ scopes: ['openid'], trustEmail: false, allowPrivateAddresses: true },
  });
  t.match(provider, {
    ...{ name: 'Work', clientAuthentication: { method: 'none' }, scopes: ['openid'] },
    ...{ trustEmail: false, allowPrivateAddresses: true },
  });
});

t.test('believes a server of one’s own only if asked to', async (t) => {
  const issuer = 'https://git.example.com';
  const trust = (entry: object) => providersOf({ id: 'a', issuer, ...CLIENT, ...entry }).map((each) => each.trustEmail);
  t.same(trust({ preset: 'gitlab' }), [false]);
  t.same(trust({ preset: 'github' }), [false]);
  t.same(trust({ preset: 'gitlab', trustEmail: true }), [true]);
});

t.test('reads the JSON from a file, by either setting', async (t) => {
  const directory = t.testdir({
    'providers.json': JSON.stringify([OIDC]),
    'broken.json': `[{"clientSecret": "${SECRET}"`,
    'empty.json': '',
  });
  for (const name of ['IDENTITY_PROVIDERS', 'IDENTITY_PROVIDERS_FILE'])
    t.match(loadConfig({ [name]: `${directory}/providers.json` }).identities.providers, [{ id: 'own' }], name);
  const settings = loadSettings({ IDENTITY_PROVIDERS: JSON.stringify([OIDC]) });
  t.match(settings.identities.providers, [{ id: 'own' }]);
  for (const [value, pattern] of [
    [`${directory}/none.json`, /path of a file that can be read; reading failed \(ENOENT\)$/],
    [directory, /\(EISDIR\)$/],
    [`${directory}/broken.json`, /a JSON array of providers$/],
    [`${directory}/empty.json`, /a JSON array of providers$/],
    [`[{"clientSecret": "${SECRET}"`, /a JSON array of providers$/],
    [JSON.stringify(OIDC), /a JSON array of providers$/],
    [`'${JSON.stringify([OIDC])}'`, /\(ENOENT\)$/],
  ] as const) {
    const issues = issuesOf({ IDENTITY_PROVIDERS: value });
    t.match(issues, [/^IDENTITY_PROVIDERS: expected/], value);
    t.match(issues, [pattern], value);
    t.notMatch(issues.join(), SECRET);
  }
});

t.test('names the entry and the field of every issue, and no value', async (t) => {
  const rows: readonly (readonly [object, string])[] = [
    [{ id: 'A' }, '[0].id'],
    [{ id: 'a'.repeat(33) }, '[0].id'],
    [{ id: 5 }, '[0].id'],
    [{ name: undefined }, '[own].name'],
    [{ name: 'a\u0000b' }, '[own].name'],
    [{ kind: 'saml' }, '[own].kind'],
    [{ kind: undefined }, '[own].kind'],
    [{ preset: 'github' }, '[own].kind'],
    [{ preset: 'facebook' }, '[own].preset'],
    [{ preset: 'constructor' }, '[own].preset'],
    [{ issuer: undefined }, '[own].issuer'],
    [{ issuer: 'http://id.example.com' }, '[own].issuer'],
    [{ issuer: 'https://user:pass@id.example.com' }, '[own].issuer'],
    [{ issuer: 'https://id.example.com?tenant=1' }, '[own].issuer'],
    [{ issuer: 'https://id.example.com#a' }, '[own].issuer'],
    [{ issuer: ' https://id.example.com' }, '[own].issuer'],
    [{ issuer: 'id.example.com' }, '[own].issuer'],
    [{ preset: 'auth0' }, '[own].issuer'],
    [{ clientId: '' }, '[own].clientId'],
    [{ clientId: 1 }, '[own].clientId'],
    [{ clientSecret: undefined }, '[own].clientSecret'],
    [{ clientSecret: null }, '[own].clientSecret'],
    [{ clientSecret: `${SECRET}\n` }, '[own].clientSecret'],
    [{ clientAuthentication: 'private_key_jwt' }, '[own].clientAuthentication'],
    [{ clientAuthentication: 'none' }, '[own].clientSecret'],
    [{ scopes: 'openid' }, '[own].scopes'],
    [{ scopes: ['openid', 'a b'] }, '[own].scopes'],
    [{ scopes: ['profile'] }, '[own].scopes'],
    [{ trustEmail: 'true' }, '[own].trustEmail'],
    [{ allowPrivateAddresses: 1 }, '[own].allowPrivateAddresses'],
    [{ tenant: TENANT }, '[own].tenant'],
    [{ tokenEndpoint: 'https://id.example.com/token' }, '[own].tokenEndpoint'],
    [{ ...OAUTH2, id: 'own', tokenEndpoint: 'http://plain.example.com' }, '[own].tokenEndpoint'],
    [{ ...OAUTH2, id: 'own', profileEndpoint: undefined }, '[own].profileEndpoint'],
    [{ ...OAUTH2, id: 'own', profileFields: undefined }, '[own].profileFields'],
    [{ ...OAUTH2, id: 'own', profileFields: {} }, '[own].profileFields.subject'],
    [{ ...OAUTH2, id: 'own', profileFields: { subject: 'a..b' } }, '[own].profileFields.subject'],
    [{ ...OAUTH2, id: 'own', profileFields: { subject: 'id', mail: 'x' } }, '[own].profileFields.mail'],
    [{ ...OAUTH2, id: 'own', trustEmail: true }, '[own].trustEmail'],
  ];
  const names = rows.map(([changes]) => entryIssues({ ...OIDC, ...changes }).map((issue) => issue.split(': ')[0]));
  t.same(
    names,
    rows.map(([, name]) => [`IDENTITY_PROVIDERS${name}`]),
  );
  for (const [changes] of rows) t.notMatch(entryIssues({ ...OIDC, ...changes }).join(), SECRET);
});

t.test('reports the issues of all entries together', async (t) => {
  const issues = entryIssues(
    { ...OIDC, clientID: 'c', clientId: undefined },
    'google',
    { id: 'ms', preset: 'microsoft', ...CLIENT, tenant: 'common' },
    { ...OIDC },
    { ...APPLE, id: 'apple', privateKey: keyOn('P-384'), teamId: 'x', clientSecret: SECRET },
  );
  t.match(issues, [
    /^IDENTITY_PROVIDERS\[own\]\.clientId: expected/,
    /^IDENTITY_PROVIDERS\[own\]\.clientID: expected one of the fields id, .*clientId/,
    /^IDENTITY_PROVIDERS\[1\]: expected an object$/,
    /^IDENTITY_PROVIDERS\[ms\]\.tenant: expected the id of one tenant/,
    /^IDENTITY_PROVIDERS\[3\]\.id: expected an id that no other entry has$/,
    /^IDENTITY_PROVIDERS\[apple\]\.teamId: /,
    /^IDENTITY_PROVIDERS\[apple\]\.privateKey: .*P-256/,
    /^IDENTITY_PROVIDERS\[apple\]\.clientSecret: expected one of the fields/,
  ]);
  t.equal(issues.length, 8);
  t.match(entryIssues({ ...APPLE, id: 'apple', privateKey: SECRET }), [/\[apple\]\.privateKey: /]);
  t.match(issuesOf({ IDENTITY_PROVIDERS: `[{"id":"a","kind":"plex","__proto__":{}}]` }), [/\[a\]\.__proto__: /]);
});

t.test('accepts http for loopback addresses', async (t) => {
  for (const issuer of ['http://127.0.0.1:3000', 'http://localhost:3000/realms/a', 'http://[::1]:3000'])
    t.match(providersOf({ ...OIDC, issuer }), [{ issuer }]);
});

t.test('accepts Plex tokens only with a server, or with an acknowledgement', async (t) => {
  t.match(issuesOf({ PLEX_ACCEPT_TOKENS: 'true' }), [/^PLEX_ACCEPT_TOKENS: expected PLEX_SERVER_ID to be set/]);
  t.match(issuesOf({ PLEX_ACCEPT_TOKENS: 'yes' }), [
    /^PLEX_ACCEPT_TOKENS: expected one of false, true, any-application/,
  ]);
  t.match(issuesOf({ PLEX_CLIENT_IDENTIFIER: 'a b' }), [/^PLEX_CLIENT_IDENTIFIER: /]);
  t.match(loadConfig({ PLEX_ACCEPT_TOKENS: 'true', PLEX_SERVER_ID: 'abc' }).plex, {
    acceptTokens: 'true',
    serverId: 'abc',
  });
  t.match(loadSettings({ PLEX_ACCEPT_TOKENS: true, PLEX_SERVER_ID: 'abc' }).plex, { acceptTokens: 'true' });
  t.equal(loadConfig({ PLEX_ACCEPT_TOKENS: 'any-application' }).plex.acceptTokens, 'any-application');
  const PUBLIC_URL = 'https://auth.example.com/latchkey';
  t.equal(loadConfig({ PUBLIC_URL }).plex.clientIdentifier, 'latchkey-auth.example.com');
  t.equal(loadConfig({ PUBLIC_URL, PLEX_CLIENT_IDENTIFIER: 'x-1' }).plex.clientIdentifier, 'x-1');
});

t.test('takes the owner of the server as a number, with the server only', async (t) => {
  const PLEX_SERVER_ID = 'abc';
  t.match(loadConfig({ PLEX_SERVER_ID, PLEX_SERVER_OWNER_ID: '31' }).plex, { serverId: 'abc', serverOwnerId: '31' });
  for (const PLEX_SERVER_OWNER_ID of ['owner', '0', '031', '-1', '1.5', '1'.repeat(17)])
    t.match(issuesOf({ PLEX_SERVER_ID, PLEX_SERVER_OWNER_ID }), [/^PLEX_SERVER_OWNER_ID: /], PLEX_SERVER_OWNER_ID);
  t.match(issuesOf({ PLEX_SERVER_OWNER_ID: '31' }), [/^PLEX_SERVER_OWNER_ID: expected .*with PLEX_SERVER_ID/]);
});

t.test('reads the origins and schemes to which browsers may return', async (t) => {
  const RETURN_TO_ORIGINS = 'https://app.example.com, com.example.app:, http://localhost:5173';
  const { returnToOrigins } = loadConfig({ RETURN_TO_ORIGINS }).identities;
  t.same(returnToOrigins, ['https://app.example.com', 'com.example.app:', 'http://localhost:5173']);
  for (const value of [
    'javascript:',
    'myapp:',
    'com.example.app',
    'com.example.app://x',
    'https://a.example/x',
    '*',
    'data:',
  ])
    t.match(issuesOf({ RETURN_TO_ORIGINS: value }), [/^RETURN_TO_ORIGINS: expected/], value);
  const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://auth.example.com', AUTH_SECRET: SECRET };
  t.same(issuesOf({ ...production, RETURN_TO_ORIGINS }), []);
  t.match(issuesOf({ ...production, RETURN_TO_ORIGINS: 'http://app.example.com' }), [
    /^RETURN_TO_ORIGINS: expected https/,
  ]);

  const publicUrl = 'https://auth.example.com/latchkey';
  t.same([...returnToOriginsOf({ configured: [], publicUrl, appUrl: undefined })], ['https://auth.example.com']);
  t.same(
    [...returnToOriginsOf({ configured: [], publicUrl, appUrl: 'https://app.example.com/account' })],
    ['https://auth.example.com', 'https://app.example.com'],
  );
  t.same([...returnToOriginsOf({ configured: returnToOrigins, publicUrl, appUrl: undefined })], returnToOrigins);
});
