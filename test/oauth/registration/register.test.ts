/** Dynamic client registration (RFC 7591). */
import { eq } from 'drizzle-orm';
import t from 'tap';
import { oauthClients, oauthClientSecrets } from '../../../src/db/schema/index.js';
import { hashSecret } from '../../../src/oauth/secret.js';
import { startTestApp, type TestApp } from '../../helpers/app.js';
import { auditOf } from '../../helpers/audit-trail.js';
import { seedClient } from '../../helpers/oauth.js';
import { seedGrant } from '../../helpers/oauth-grants.js';

const open = await startTestApp(t, { OAUTH_REGISTRATION: 'open', RATE_LIMIT_ANONYMOUS: '10000/1m' });
const TOKEN = 'a registration token of more than 32 bytes'.replaceAll(' ', '-');
let addresses = 0;

async function register(app: TestApp, payload: unknown, options: { token?: string; ip?: string; type?: string } = {}) {
  addresses += 1;
  const response = await app.server.inject({
    method: 'POST',
    url: '/oauth/register',
    remoteAddress: options.ip ?? `198.51.100.${addresses}`,
    headers: {
      'content-type': options.type ?? 'application/json',
      ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
    },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  });
  return { status: response.statusCode, headers: response.headers, body: response.json<Record<string, unknown>>() };
}
const INPUT = { redirect_uris: ['http://127.0.0.1/callback'], client_name: 'Notes' };
const clientOf = async (id: unknown) =>
  (
    await open.db.executor
      .select()
      .from(oauthClients)
      .where(eq(oauthClients.id, String(id)))
  )[0];
const countClients = () => open.db.executor.$count(oauthClients);

t.test('registers a public client, which must use PKCE and ask for consent', async (t) => {
  const input = { ...INPUT, token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] };
  const { status, headers, body } = await register(open, input);
  t.equal(status, 201);
  t.equal(headers['cache-control'], 'no-store');
  t.match(body, {
    client_id: String,
    client_id_issued_at: Math.floor(open.clock.now() / 1000),
    client_name: 'Notes',
    redirect_uris: INPUT.redirect_uris,
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'openid profile email read:content read:profile write:profile read:history offline_access',
  });
  t.notOk('client_secret' in body);
  t.match(await clientOf(body['client_id']), {
    type: 'PUBLIC',
    source: 'REGISTRATION',
    requirePkce: true,
    firstParty: false,
    mayIntrospect: false,
    backchannelLogoutUri: null,
  });
  t.match((await auditOf(open.db, null))[0], { type: 'oauth_client.registered', detail: body['client_id'] });
});

t.test('registers a confidential client with a secret by default', async (t) => {
  const { status, body } = await register(open, INPUT);
  t.equal(status, 201);
  t.match(body, {
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['authorization_code'],
    client_secret: /^latchkey_cs_/,
    client_secret_expires_at: 0,
  });
  const secrets = await open.db.executor
    .select()
    .from(oauthClientSecrets)
    .where(eq(oauthClientSecrets.clientId, String(body['client_id'])));
  t.match(secrets, [{ secretHash: hashSecret(String(body['client_secret'])) }]);
});

t.test('ignores rights that a stranger may not have, and unknown members', async (t) => {
  const { body } = await register(open, {
    ...INPUT,
    scope: 'openid admin read:content no:such',
    first_party: true,
    mayIntrospect: true,
    firstParty: true,
    backchannel_logout_uri: 'http://10.0.0.1/',
    software_id: 'x',
    ['__proto__']: { firstParty: true },
  });
  t.equal(body['scope'], 'openid read:content');
  t.match(await clientOf(body['client_id']), { firstParty: false, mayIntrospect: false, backchannelLogoutUri: null });
});

t.test('refuses invalid metadata, and stores nothing', async (t) => {
  const before = await countClients();
  for (const [input, error] of [
    [{ ...INPUT, redirect_uris: ['https://app.example.com/#a'] }, 'invalid_redirect_uri'],
    [{ ...INPUT, redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
    [{ ...INPUT, redirect_uris: ['com.example.app:/x'] }, 'invalid_redirect_uri'],
    [{}, 'invalid_redirect_uri'],
    [{ ...INPUT, redirect_uris: 'https://app.example.com/' }, 'invalid_client_metadata'],
    [{ ...INPUT, redirect_uris: [1] }, 'invalid_client_metadata'],
    [{ ...INPUT, grant_types: ['client_credentials'] }, 'invalid_client_metadata'],
    [{ ...INPUT, grant_types: ['__proto__'] }, 'invalid_client_metadata'],
    [{ ...INPUT, grant_types: ['refresh_token'] }, 'invalid_client_metadata'],
    [{ ...INPUT, response_types: ['token'] }, 'invalid_client_metadata'],
    [{ ...INPUT, token_endpoint_auth_method: 'constructor' }, 'invalid_client_metadata'],
    [{ ...INPUT, token_endpoint_auth_method: 'private_key_jwt' }, 'invalid_client_metadata'],
    [{ ...INPUT, token_endpoint_auth_method: 'private_key_jwt', jwks: 'x' }, 'invalid_client_metadata'],
    [{ ...INPUT, client_name: 'a\u202eb' }, 'invalid_client_metadata'],
    [{ ...INPUT, client_name: 1 }, 'invalid_client_metadata'],
    [{ ...INPUT, scope: 'admin' }, 'invalid_client_metadata'],
    [[INPUT], 'invalid_client_metadata'],
    ['null', 'invalid_client_metadata'],
    ['{', 'invalid_client_metadata'],
    [`{"client_name":"${'x'.repeat(100_000)}"}`, 'invalid_client_metadata'],
  ] as const) {
    const { status, body, headers } = await register(open, input);
    t.match({ status, error: body['error'] }, { status: 400, error }, JSON.stringify(input).slice(0, 100));
    t.match(body['error_description'], /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
    t.equal(headers['cache-control'], 'no-store');
  }
  t.equal((await register(open, 'client_name=x', { type: 'application/x-www-form-urlencoded' })).status, 400);
  t.equal(await countClients(), before);
});

t.test('limits registrations of one network', async (t) => {
  const ip = '203.0.113.77';
  for (let n = 0; n < 20; n += 1) t.equal((await register(open, INPUT, { ip })).status, 201);
  const refused = await register(open, INPUT, { ip });
  t.equal(refused.status, 429);
  t.ok(refused.headers['retry-after']);
});

t.test('asks for the token with OAUTH_REGISTRATION=token', async (t) => {
  const app = await startTestApp(t, { OAUTH_REGISTRATION: 'token', OAUTH_REGISTRATION_TOKEN: TOKEN });
  for (const token of [undefined, 'x', `${TOKEN}x`]) {
    const { status, headers, body } = await register(app, INPUT, token === undefined ? {} : { token });
    t.match({ status, body }, { status: 401, body: { error: 'invalid_token' } });
    t.match(headers['www-authenticate'], /^Bearer/);
  }
  t.equal(await app.db.executor.$count(oauthClients), 0);
  const failed = { type: 'oauth_client.auth_failed', detail: 'registration token', actorId: null };
  t.match(await auditOf(app.db, null), [failed, failed, failed]);
  t.equal((await register(app, INPUT, { token: TOKEN })).status, 201);
});

t.test('has no endpoint by default', async (t) => {
  const app = await startTestApp(t);
  t.equal((await register(app, INPUT)).status, 404);
});

t.test('clears clients that registered themselves and that nobody has used for a week', async (t) => {
  const user = await open.user();
  const source = 'REGISTRATION' as const;
  const used = await seedClient(open, { source });
  await seedGrant(open, user.id, used.client.id);
  const unused = await seedClient(open, { source });
  const disabled = await seedClient(open, { source, disabledAt: new Date(open.clock.now()) });
  const ofAdministrator = await seedClient(open);
  const remaining = async () => {
    await open.runJob('clean up unused OAuth clients');
    const ids = await open.db.executor.select({ id: oauthClients.id }).from(oauthClients);
    return [used, unused, disabled, ofAdministrator].map(({ client }) => ids.some(({ id }) => id === client.id));
  };
  t.same(await remaining(), [true, true, true, true]);
  open.clock.advance(8 * 86_400_000);
  t.same(await remaining(), [true, false, true, true]);
});
