/** Introspection and revocation of API keys, and revocation by a client that may introspect. */
import t from 'tap';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { issueCode, seedClient, type SeededClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm, withSecret } from '../helpers/oauth-requests.js';
import { setAccount } from '../helpers/seed.js';

const CREATE = `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } } }`;
const ROTATE = `mutation ($id: ID!, $overlap: String) { rotateApiKey(id: $id, overlap: $overlap) { key } }`;
const app = await startTestApp(t);
const { db, clock } = app;
const resourceServer = await seedClient(app, { mayIntrospect: true });
const other = await seedClient(app);

interface Created {
  readonly key: string;
  readonly apiKey: { readonly id: string };
}

async function keyOf(user: Awaited<ReturnType<typeof app.user>>, input: object = {}): Promise<Created> {
  const answer = await user.client.send(CREATE, { input: { name: 'Server', scopes: ['read:profile'], ...input } });
  return answer.data!['createApiKey'] as Created;
}

const introspect = async (token: string, client: SeededClient = resourceServer, more: Record<string, string> = {}) =>
  (await postForm(app, '/oauth/introspect', { token, ...withSecret(client), ...more })).body;
const revoke = (token: string, client: SeededClient) =>
  postForm(app, '/oauth/revoke', { token, ...withSecret(client) });
const INACTIVE = { active: false };

t.test('describes a key to a client that may introspect, and to no other', async (t) => {
  const user = await app.user();
  const expiresAt = new Date(clock.now() + 3_600_000).toISOString();
  const { key } = await keyOf(user, { expiresAt });
  t.same(await introspect(key), {
    active: true,
    scope: 'read:profile',
    username: user.username,
    token_type: 'api_key',
    exp: Math.floor(Date.parse(expiresAt) / 1000),
    sub: user.id,
    aud: 'http://auth.test',
    iss: 'http://auth.test',
  });
  t.same(await introspect(key, other), INACTIVE);
  t.same(await introspect(`${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`), INACTIVE);
});

t.test('describes a key that is restricted to networks only to their addresses', async (t) => {
  const { key } = await keyOf(await app.user(), { networks: ['192.0.2.0/24'] });
  t.match(await introspect(key, resourceServer, { ip_address: '192.0.2.7' }), { active: true });
  t.match(await introspect(key, resourceServer, { ip_address: '::ffff:192.0.2.7' }), { active: true });
  for (const ip_address of ['198.51.100.1', 'unknown', ''])
    t.same(await introspect(key, resourceServer, { ip_address }), INACTIVE, ip_address);
});

t.test('calls the key of a disabled account inactive', async (t) => {
  const user = await app.user();
  const { key } = await keyOf(user);
  await setAccount(db, user.id, 'disabled');
  t.same(await introspect(key), INACTIVE);
});

t.test('lets a client that may introspect revoke a key, and no other', async (t) => {
  const user = await app.user();
  const { key, apiKey } = await keyOf(user);
  t.match(await revoke(key, other), { status: 200, body: {} });
  t.match(await introspect(key), { active: true });
  t.match(await revoke(key, resourceServer), { status: 200, body: {} });
  t.same(await introspect(key), INACTIVE);
  const { data } = await app.client().send('{ me { id } }');
  t.notOk(data?.['me']);
  const newest = (await auditOf(db, user.id)).find(({ type }) => type === 'api_key.revoked');
  t.match(newest, { actorId: null, detail: `by client ${resourceServer.client.id}` });
  t.equal(
    (await app.mailTo(user.email)).filter(({ text }) => text.includes('API key')).length,
    2,
    `${apiKey.id}: made and revoked`,
  );
});

t.test('revokes a key by its former secret during the overlap, and not afterwards', async (t) => {
  const user = await app.user();
  for (const [waits, isRevoked] of [
    [0, true],
    [60_000, false],
  ] as const) {
    const { key, apiKey } = await keyOf(user);
    const answer = await user.client.send(ROTATE, { id: apiKey.id, overlap: '1m' });
    clock.advance(waits);
    await revoke(key, resourceServer);
    const { key: next } = answer.data!['rotateApiKey'] as Created;
    t.equal((await introspect(next))['active'], !isRevoked);
  }
});

t.test('lets a client that may introspect revoke the tokens of another client', async (t) => {
  for (const name of ['access_token', 'refresh_token']) {
    const code = await issueCode(app, (await app.user()).id, other);
    const tokens = (await postForm(app, '/oauth/token', exchangeForm(other, code))).body as Record<string, string>;
    await revoke(tokens[name]!, await seedClient(app));
    t.match(await introspect(tokens['access_token']!), { active: true }, 'not by a client without the permission');
    await revoke(tokens[name]!, resourceServer);
    t.same(await introspect(tokens['access_token']!), INACTIVE, name);
    t.match(await postForm(app, '/oauth/token', refreshForm(other, tokens['refresh_token']!)), { status: 400 });
  }
});
