/** Administration of OAuth clients in GraphQL. */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { oauthClients, oauthClientSecrets, serviceAccounts } from '../../src/db/schema/index.js';
import { hashSecret } from '../../src/oauth/secret.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import type { AnyData } from '../helpers/client.js';
import { createKey, sendWithKey } from '../helpers/api-keys.js';
import { seedClient } from '../helpers/oauth.js';
import { seedServiceAccount } from '../helpers/oauth-grants.js';
import { registerAdmin } from '../helpers/seed.js';

const app = await startTestApp(t);
const admin = await registerAdmin(app);
const FIELDS = `id name type authMethod redirectUris postLogoutRedirectUris grantTypes scopes requirePkce firstParty mayIntrospect
  jwks backchannelLogoutUri serviceAccountId source disabledAt`;
const CREATE = `mutation ($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) { secret client { ${FIELDS} } } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateOAuthClientInput!) { updateOAuthClient(id: $id, input: $input) { ${FIELDS} } }`;
const ROTATE = `mutation ($id: ID!, $overlap: String) { rotateOAuthClientSecret(id: $id, overlap: $overlap) { secret client { id } } }`;
const DELETE = 'mutation ($id: ID!) { deleteOAuthClient(id: $id) }';
const LIST = `query ($first: Int, $after: String, $search: String) { oauthClients(first: $first, after: $after, search: $search) {
  edges { node { id name } } pageInfo { hasNextPage endCursor } } }`;
const URI = 'https://app.example.com/callback';
const INPUT = { name: 'TV', redirectUris: [URI] };

async function create(input: object = {}): Promise<{ secret: string | null; client: AnyData }> {
  const { data, errors } = await admin.client.send(CREATE, { input: { ...INPUT, ...input } });
  if (!data) throw new Error(JSON.stringify(errors));
  return data['createOAuthClient'] as { secret: string | null; client: AnyData };
}
const faultsOf = async (query: string, variables: object) => {
  const { code, errors } = await admin.client.send(query, variables);
  t.equal(code, 'VALIDATION_ERROR', JSON.stringify(errors));
  return errors[0]?.extensions.details?.map(({ field }) => field);
};
const page = async (variables: object) => (await admin.client.send(LIST, variables)).data!['oauthClients'] as AnyData;
const countClients = () => app.db.executor.$count(oauthClients);
const secretsOf = (id: string) =>
  app.db.executor
    .select()
    .from(oauthClientSecrets)
    .where(eq(oauthClientSecrets.clientId, id))
    .orderBy(oauthClientSecrets.id);
const audited = async (id: string) =>
  (await auditOf(app.db, null)).filter(({ detail }) => detail?.startsWith(id)).map(({ type }) => type);

t.test('creates a confidential client with sensible defaults, and shows its secret once', async (t) => {
  const { secret, client } = await create();
  t.match(client, {
    type: 'CONFIDENTIAL',
    authMethod: 'CLIENT_SECRET',
    redirectUris: [URI],
    postLogoutRedirectUris: [],
    grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'],
    scopes: ['openid', 'profile', 'email', 'read:content', 'read:profile', 'write:profile', 'read:history'],
    requirePkce: true,
    firstParty: false,
    mayIntrospect: false,
    jwks: null,
    serviceAccountId: null,
    source: 'ADMINISTRATOR',
    disabledAt: null,
  });
  t.match(secret, /^latchkey_cs_[\w-]{43}$/);
  t.match(await secretsOf(client['id']), [{ secretHash: hashSecret(secret!), expiresAt: null }]);
  const [event] = await auditOf(app.db, null);
  t.match(event, { type: 'oauth_client.created', actorId: admin.id, detail: client['id'] });
});

t.test('creates a public client without a secret, also with a private-use scheme', async (t) => {
  const { secret, client } = await create({
    authMethod: 'NONE',
    redirectUris: ['com.example.app:/callback'],
    scopes: ['openid', 'offline_access'],
  });
  t.equal(secret, null);
  t.match(client, { type: 'PUBLIC', authMethod: 'NONE', scopes: ['openid', 'offline_access'] });
  t.same(await secretsOf(client['id']), []);
});

t.test('reports every error of an input at once, and stores nothing', async (t) => {
  const before = await countClients();
  const fields = await faultsOf(CREATE, {
    input: {
      name: '\u202e',
      type: 'PUBLIC',
      authMethod: 'CLIENT_SECRET',
      redirectUris: [URI, 'http://app.example.com/'],
      postLogoutRedirectUris: ['x'],
      grantTypes: ['CLIENT_CREDENTIALS', 'REFRESH_TOKEN'],
      scopes: ['read:content', 'no:such'],
      requirePkce: false,
      mayIntrospect: true,
      jwks: { keys: [] },
      backchannelLogoutUri: 'http://app.example.com/',
      serviceAccountId: 'x',
    },
  });
  t.same(
    new Set(fields),
    new Set([
      'name',
      'authMethod',
      'redirectUris',
      'postLogoutRedirectUris',
      'grantTypes',
      'scopes',
      'requirePkce',
      'mayIntrospect',
      'jwks',
      'backchannelLogoutUri',
      'serviceAccountId',
    ]),
  );
  t.same(await faultsOf(CREATE, { input: { name: 'TV' } }), ['redirectUris'], 'the code grant needs a redirect URI');
  t.same(await faultsOf(CREATE, { input: { ...INPUT, grantTypes: [] } }), ['grantTypes']);
  t.same(await faultsOf(CREATE, { input: { ...INPUT, authMethod: 'PRIVATE_KEY_JWT' } }), ['jwks']);
  t.same(await faultsOf(CREATE, { input: { ...INPUT, name: ' ' } }), ['name']);
  const many = Array.from({ length: 21 }, (_, n) => `https://app.example.com/${n}`);
  t.same(await faultsOf(CREATE, { input: { ...INPUT, redirectUris: many } }), ['redirectUris']);
  t.equal(await countClients(), before);
});

t.test('creates a service account for client credentials, which goes with the client', async (t) => {
  const { client } = await create({
    redirectUris: [],
    grantTypes: ['CLIENT_CREDENTIALS'],
    scopes: ['openid', 'read:content'],
  });
  const account = () => app.db.executor.select().from(serviceAccounts).where(eq(serviceAccounts.id, client['id']));
  t.equal(client['serviceAccountId'], client['id']);
  t.match(await account(), [{ name: 'TV', scopes: ['read:content'] }]);
  t.equal((await admin.client.send(DELETE, { id: client['id'] })).data?.['deleteOAuthClient'], true);
  t.same(await account(), []);
});

t.test('acts as a given service account, which stays when the client is deleted', async (t) => {
  const serviceAccountId = await seedServiceAccount(app);
  const input = { redirectUris: [], grantTypes: ['CLIENT_CREDENTIALS'], scopes: ['read:content'], serviceAccountId };
  const { client } = await create(input);
  t.equal(client['serviceAccountId'], serviceAccountId);
  await admin.client.send(DELETE, { id: client['id'] });
  const found = await app.db.executor.select().from(serviceAccounts).where(eq(serviceAccounts.id, serviceAccountId));
  t.equal(found.length, 1);
});

t.test('updates what is given, and validates it with what stays', async (t) => {
  const { client } = await create();
  const { id } = client as { id: string };
  const updated = await admin.client.send(UPDATE, {
    id,
    input: {
      name: 'Radio',
      postLogoutRedirectUris: ['https://app.example.com/bye'],
      backchannelLogoutUri: 'http://10.0.0.7/l',
    },
  });
  t.same(updated.data?.['updateOAuthClient'], {
    ...client,
    name: 'Radio',
    postLogoutRedirectUris: ['https://app.example.com/bye'],
    backchannelLogoutUri: 'http://10.0.0.7/l',
  });
  const cleared = await admin.client.send(UPDATE, { id, input: { backchannelLogoutUri: null } });
  t.equal(cleared.data?.['updateOAuthClient'].backchannelLogoutUri, null);
  t.same(await faultsOf(UPDATE, { id, input: { redirectUris: [], scopes: ['no:such'] } }), ['redirectUris', 'scopes']);
  t.same(await faultsOf(UPDATE, { id, input: { name: null, disabled: null } }), ['name', 'disabled']);
  t.same(await audited(id), ['oauth_client.updated', 'oauth_client.updated', 'oauth_client.created']);
  await admin.client.send(UPDATE, { id, input: { name: 'Radio' } });
  t.equal((await audited(id)).length, 3, 'an update without a change is not audited');
});

t.test('creates the service account when CLIENT_CREDENTIALS is added', async (t) => {
  const { client } = await create();
  const input = { grantTypes: ['AUTHORIZATION_CODE', 'CLIENT_CREDENTIALS'] };
  const { data } = await admin.client.send(UPDATE, { id: client['id'], input });
  t.equal(data?.['updateOAuthClient'].serviceAccountId, client['id']);
});

t.test('changes nothing of a metadata document but whether it is disabled', async (t) => {
  const id = 'https://client.example.com/metadata.json';
  await seedClient(app, { id, source: 'METADATA_DOCUMENT', type: 'PUBLIC', authMethod: 'NONE', requirePkce: true });
  t.same(await faultsOf(UPDATE, { id, input: { name: 'X', firstParty: true } }), ['name', 'firstParty']);
  const { data } = await admin.client.send(UPDATE, { id, input: { disabled: true } });
  t.ok(data?.['updateOAuthClient'].disabledAt);
});

t.test('rotates a secret: the former one lives for the overlap, and an older one is gone', async (t) => {
  const { client, secret } = await create();
  const { id } = client as { id: string };
  const rotate = async (overlap?: string) =>
    (await admin.client.send(ROTATE, { id, overlap })).data!['rotateOAuthClientSecret'].secret as string;
  const second = await rotate('1h');
  const until = new Date(app.clock.now() + 3_600_000);
  t.match(await secretsOf(id), [
    { secretHash: hashSecret(secret!), expiresAt: until },
    { secretHash: hashSecret(second), expiresAt: null },
  ]);
  const third = await rotate();
  t.match(await secretsOf(id), [
    { secretHash: hashSecret(second), expiresAt: new Date(app.clock.now()) },
    { secretHash: hashSecret(third), expiresAt: null },
  ]);
  for (const overlap of ['x', '31d', '', null, '-1h'])
    t.same(await faultsOf(ROTATE, { id, overlap }), ['overlap'], String(overlap));
  const open = await create({ type: 'PUBLIC' });
  t.same(await faultsOf(ROTATE, { id: open.client['id'] }), ['id']);
  t.equal((await secretsOf(id)).length, 2);
});

t.test('parallel rotations leave one current secret and at most one former', async (t) => {
  const { client } = await create();
  const id = client['id'] as string;
  const rotated = await Promise.all([1, 2, 3, 4, 5].map(() => admin.client.send(ROTATE, { id, overlap: '1h' })));
  const hashes = rotated.map(({ data }) => hashSecret(data!['rotateOAuthClientSecret'].secret as string));
  const stored = await secretsOf(id);
  t.same(stored.map(({ expiresAt }) => expiresAt === null).sort(), [false, true]);
  t.ok(stored.every(({ secretHash }) => hashes.includes(secretHash)));
});

t.test('lists clients with pages and search, those of metadata documents among them', async (t) => {
  await seedClient(app, { id: 'https://a.example/c', name: 'Zed one', source: 'METADATA_DOCUMENT' });
  for (const name of ['ZED two', 'zed three', 'zed%']) await create({ name });
  const names: string[] = [];
  let after: string | null = null;
  do {
    const { edges, pageInfo }: AnyData = await page({ first: 2, after, search: 'zed' });
    names.push(...edges.map(({ node }: AnyData) => node.name as string));
    after = pageInfo.hasNextPage ? (pageInfo.endCursor as string) : null;
  } while (after !== null);
  t.same(names, ['Zed one', 'zed%', 'zed three', 'ZED two']);
  const search = async (text: string) => (await page({ search: text }))['edges'].length as number;
  t.equal(await search('https://a.example/c'), 1);
  for (const text of ['%', '_', '\0', '\ud800', 'x'.repeat(5000)]) t.equal(await search(text), 0, text.slice(0, 5));
  for (const cursor of ['', 'no cursor', 'AA', 'x'.repeat(5000)])
    t.same(await faultsOf(LIST, { after: cursor }), ['after'], cursor.slice(0, 9));
});

t.test('answers NOT_FOUND for an id that does not exist', async (t) => {
  for (const id of ['x', '\0', '01a1fc41-72cb-70ec-8b3d-3273bdd90010']) {
    for (const [query, variables] of [
      [UPDATE, { id, input: { name: 'X' } }],
      [ROTATE, { id }],
      [DELETE, { id }],
    ] as const)
      t.equal((await admin.client.send(query, variables)).code, 'NOT_FOUND', JSON.stringify(id));
    const { data } = await admin.client.send('query ($id: ID!) { oauthClient(id: $id) { id } }', { id });
    t.equal(data?.['oauthClient'], null);
  }
});

t.test('stores the public keys of a client for private_key_jwt', async (t) => {
  const jwks = { keys: [{ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }] };
  const { client, secret } = await create({ authMethod: 'PRIVATE_KEY_JWT', jwks });
  t.same({ jwks: client['jwks'], secret }, { jwks, secret: null });
  t.same(await faultsOf(UPDATE, { id: client['id'], input: { jwks: null } }), ['jwks']);
});

t.test('lets an API key of an administrator list clients and change none', async (t) => {
  const { client } = await create();
  const { key } = await createKey(admin.client, { scopes: ['admin'] });
  const send = (query: string, variables: object) => sendWithKey(app.client(), key, query, variables);
  const before = { count: await countClients(), secrets: await secretsOf(client['id']) };
  const calls: [string, object][] = [
    [CREATE, { input: { ...INPUT, grantTypes: ['CLIENT_CREDENTIALS'], scopes: ['admin'] } }],
    [UPDATE, { id: client['id'], input: { redirectUris: ['https://evil.example/cb'] } }],
    [ROTATE, { id: client['id'] }],
    [DELETE, { id: client['id'] }],
  ];
  for (const [query, variables] of calls)
    t.equal((await send(query, variables)).code, 'INSUFFICIENT_PERMISSIONS', query);
  t.same({ count: await countClients(), secrets: await secretsOf(client['id']) }, before);
  t.equal((await send(LIST, {})).code, undefined);
});
