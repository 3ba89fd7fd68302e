/** Every grant, consent, refusal, registration and secret rotation is audited, and token requests are counted. */
import t from 'tap';
import { desc, eq, or } from 'drizzle-orm';
import { auditEvents } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { DEVICE_CODE } from '../helpers/device-codes.js';
import { seedClient, type SeededClient } from '../helpers/oauth.js';
import { seedServiceAccount } from '../helpers/oauth-grants.js';
import { exchangeForm, postForm, withSecret } from '../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, visitorOf } from '../helpers/oauth-browser.js';
import { registerAdmin } from '../helpers/seed.js';

const app = await startTestApp(t, { OAUTH_REGISTRATION: 'open', RATE_LIMIT_ANONYMOUS: '100000/1m' });
const user = await app.user();
const newClient = () =>
  seedClient(app, { grantTypes: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN', 'DEVICE_CODE', 'CLIENT_CREDENTIALS'] });

/** The newest event whose detail names the client. */
async function lastOf({ client }: Pick<SeededClient, 'client'>) {
  const named = ['', 'to client ', 'client ', 'by client '].map((prefix) => prefix + client.id);
  const [row] = await app.db.executor
    .select()
    .from(auditEvents)
    .where(or(...named.map((detail) => eq(auditEvents.detail, detail))))
    .orderBy(desc(auditEvents.id))
    .limit(1);
  return row;
}
const token = (seeded: SeededClient, form: Record<string, string>) =>
  postForm(app, '/oauth/token', { ...withSecret(seeded), ...form });

async function deviceAnswer(seeded: SeededClient, decision: 'allow' | 'deny') {
  const { body } = await postForm(app, '/oauth/device_authorization', withSecret(seeded));
  const browser = oauthBrowser(app.server);
  await browser.open('/device');
  await browser.submit({ user_code: body['user_code'] as string });
  await browser.submit(credentialsOf(user));
  await browser.submit({ decision });
  return body['device_code'] as string;
}

t.test('a consent, and the grant of its code', async (t) => {
  const seeded = await newClient();
  const code = responseOf((await visitorOf(app, user, seeded)).shown)['code']!;
  const [consent] = await app.db.executor
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.detail, `${seeded.client.id}: read:content read:profile`));
  t.match(consent, { type: 'app.authorized', userId: user.id, actorId: user.id, sessionId: String });
  await postForm(app, '/oauth/token', exchangeForm(seeded, code));
  t.match(await lastOf(seeded), { type: 'grant.created', userId: user.id, sessionId: String });
});

t.test('a denial', async (t) => {
  const seeded = await newClient();
  const browser = oauthBrowser(app.server);
  await browser.open(authorizeUrl(seeded));
  await browser.submit(credentialsOf(user));
  await browser.submit({ decision: 'deny' });
  t.match(await lastOf(seeded), { type: 'app.denied', userId: user.id, actorId: user.id });
});

t.test('the approval, the grant and the denial of a device', async (t) => {
  const seeded = await newClient();
  const device_code = await deviceAnswer(seeded, 'allow');
  t.match(await lastOf(seeded), { type: 'oauth_device.approved', userId: user.id });
  await token(seeded, { grant_type: DEVICE_CODE, device_code });
  t.match(await lastOf(seeded), { type: 'grant.created', userId: user.id });
  await deviceAnswer(seeded, 'deny');
  t.match(await lastOf(seeded), { type: 'oauth_device.denied', userId: user.id });
});

t.test('a grant of client credentials, with the service account as its actor', async (t) => {
  const serviceAccountId = await seedServiceAccount(app);
  const seeded = await seedClient(app, { grantTypes: ['CLIENT_CREDENTIALS'], serviceAccountId });
  await token(seeded, { grant_type: 'client_credentials' });
  const actor = { actorId: serviceAccountId, actorKind: 'service-account', serviceAccountId, userId: null };
  t.match(await lastOf(seeded), { type: 'grant.created', ...actor });
});

t.test('a revocation by the client', async (t) => {
  const seeded = await newClient();
  const code = responseOf((await visitorOf(app, user, seeded)).shown)['code']!;
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
  await postForm(app, '/oauth/revoke', { ...withSecret(seeded), token: body['access_token'] as string });
  t.match(await lastOf(seeded), { type: 'grant.revoked', userId: user.id, actorId: null });
});

t.test('a registration, and the rotation of a secret', async (t) => {
  const payload = { redirect_uris: ['https://app.example.com/callback'] };
  const response = await app.server.inject({ method: 'POST', url: '/oauth/register', payload });
  const { client_id: id } = response.json<{ client_id: string }>();
  const [registered] = await app.db.executor.select().from(auditEvents).where(eq(auditEvents.detail, id));
  t.match(registered, { type: 'oauth_client.registered', userId: null, actorId: null });
  const admin = await registerAdmin(app);
  await admin.client.send('mutation ($id: ID!) { rotateOAuthClientSecret(id: $id, overlap: "1h") { secret } }', { id });
  const [rotated] = await app.db.executor
    .select()
    .from(auditEvents)
    .where(eq(auditEvents.detail, `${id}: overlap 1h`));
  t.match(rotated, { type: 'oauth_client.secret_rotated', userId: null, actorId: admin.id });
});

t.test('token requests are counted by grant type and outcome', async (t) => {
  const counted = await startTestApp(t);
  const seeded = await seedClient(counted);
  const send = (form: Record<string, string>) => postForm(counted, '/oauth/token', { ...withSecret(seeded), ...form });
  await send({ grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://app.example.com/callback' });
  await send({ grant_type: 'made-up' });
  await send({ client_secret: 'wrong', grant_type: 'authorization_code' });
  const { payload } = await counted.server.inject('/metrics');
  for (const labels of [
    'grant_type="authorization_code",outcome="invalid_grant"',
    'grant_type="none",outcome="unsupported_grant_type"',
    'grant_type="none",outcome="invalid_client"',
  ])
    t.match(payload, `latchkey_oauth_token_requests_total{${labels}} 1\n`);
});
