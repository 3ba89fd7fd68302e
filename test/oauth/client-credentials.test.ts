/** Client credentials: tokens of service accounts. */
import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import t from 'tap';
import { createAudit } from '../../src/audit/audit.js';
import { createClientCredentialsGrant } from '../../src/oauth/grants/client-credentials.js';
import { parseParameters } from '../../src/rest/form.js';
import { oauthClients, oauthServiceGrants, serviceAccounts } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { HERE } from '../helpers/device-codes.js';
import { noEvents } from '../helpers/events.js';
import { seedClient } from '../helpers/oauth.js';
import { claimsOf, postForm, withSecret } from '../helpers/oauth-requests.js';
import { testAccessTokens } from '../helpers/tokens.js';

const app = await startTestApp(t);
const { executor } = app.db;

async function setUp(overrides: Parameters<typeof seedClient>[1] = {}) {
  const now = new Date(app.clock.now());
  const id = randomUUID();
  const account = { id, name: 'Importer', scopes: ['read:content', 'admin'], createdAt: now, updatedAt: now };
  await executor.insert(serviceAccounts).values({ ...account, disabledAt: null });
  const client = { grantTypes: ['CLIENT_CREDENTIALS' as const], serviceAccountId: id, ...overrides };
  const seeded = await seedClient(app, client);
  const request = (more: Record<string, string> = {}) =>
    postForm(app, '/oauth/token', { grant_type: 'client_credentials', ...withSecret(seeded), ...more });
  const grants = () => executor.select().from(oauthServiceGrants).where(eq(oauthServiceGrants.serviceAccountId, id));
  const introspect = async (token: string) =>
    (await postForm(app, '/oauth/introspect', { token, ...withSecret(seeded) })).body;
  return { id, seeded, request, grants, introspect };
}
/** `INSUFFICIENT_PERMISSIONS`: the token is accepted, and a service account has no `me`. */
const me = async (token: string) => (await app.client().send('query { me { id } }', {}, { token })).code;

t.test('gives the scopes that client and service account have, and no refresh token', async (t) => {
  const { id, seeded, request, introspect } = await setUp();
  const { status, body } = await request();
  t.equal(status, 200);
  t.match(body, { token_type: 'Bearer', expires_in: 3600, scope: 'read:content' });
  t.notOk('refresh_token' in body || 'id_token' in body);
  t.match(claimsOf(body['access_token']), { sub: id, client_id: seeded.client.id, scope: 'read:content' });
  t.not(await me(body['access_token']), 'INVALID_TOKEN');
  t.match(await introspect(body['access_token']), { active: true, sub: id, username: 'Importer' });
});

t.test('refuses scopes that either lacks, and other clients', async (t) => {
  const { request, grants } = await setUp();
  for (const scope of ['admin', 'write:profile', 'openid', 'read:content admin'])
    t.match(await request({ scope }), { status: 400, body: { error: 'invalid_scope' } }, scope);
  t.same(await grants(), []);
  const without = await setUp({ serviceAccountId: null });
  t.match(await without.request(), { status: 400, body: { error: 'unauthorized_client' } });
  const other = await setUp({ grantTypes: ['AUTHORIZATION_CODE'] });
  t.match(await other.request(), { status: 400, body: { error: 'unauthorized_client' } });
  t.same(await other.grants(), []);
});

t.test('refuses the token from the next request on after each kind of end', async (t) => {
  const now = () => new Date(app.clock.now());
  const ends: Record<string, (set: Awaited<ReturnType<typeof setUp>>, token: string) => Promise<unknown>> = {
    revocation: ({ seeded }, token) => postForm(app, '/oauth/revoke', { token, ...withSecret(seeded) }),
    'disabled service account': ({ id }) =>
      executor.update(serviceAccounts).set({ disabledAt: now() }).where(eq(serviceAccounts.id, id)),
    'deleted service account': ({ id }) => executor.delete(serviceAccounts).where(eq(serviceAccounts.id, id)),
    'disabled client': ({ seeded }) =>
      executor.update(oauthClients).set({ disabledAt: now() }).where(eq(oauthClients.id, seeded.client.id)),
  };
  for (const [name, end] of Object.entries(ends)) {
    const set = await setUp();
    const token = (await set.request()).body['access_token'] as string;
    t.not(await me(token), 'INVALID_TOKEN');
    await end(set, token);
    t.equal(await me(token), 'INVALID_TOKEN', name);
  }
});

t.test('refuses a disabled service account, and makes no grant', async (t) => {
  const { id, request, grants } = await setUp();
  await executor
    .update(serviceAccounts)
    .set({ disabledAt: new Date(app.clock.now()) })
    .where(eq(serviceAccounts.id, id));
  t.match(await request(), { status: 400, body: { error: 'unauthorized_client' } });
  t.same(await grants(), []);
});

t.test('uses the client of the moment of the grant, not that of its authentication', async (t) => {
  const { db, clock } = app;
  const grant = createClientCredentialsGrant({
    db,
    clock,
    audit: createAudit({ db, clock, events: noEvents, retentionMs: 86_400_000 }),
    accessTokens: await testAccessTokens(app),
    issuer: 'http://auth.test',
    accessTtlMs: 3_600_000,
  });
  const changes = {
    invalid_client: { disabledAt: new Date(clock.now()) },
    unauthorized_client: { grantTypes: ['AUTHORIZATION_CODE' as const] },
    invalid_scope: { scopes: ['read:profile'] },
  };
  for (const [code, change] of Object.entries(changes)) {
    const { seeded, grants } = await setUp();
    await executor.update(oauthClients).set(change).where(eq(oauthClients.id, seeded.client.id));
    const request = { client: seeded.client, parameters: parseParameters('scope=read:content'), from: HERE };
    await t.rejects(grant(request), { code }, code);
    t.same(await grants(), [], code);
  }
});
