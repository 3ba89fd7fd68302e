/** Attacks on the token endpoint. Each is refused with the RFC's error and changes nothing. */
import { createHash } from 'node:crypto';
import { eq } from 'drizzle-orm';
import t from 'tap';
import { oauthCodes, sessions } from '../../src/db/schema/index.js';
import { hashSecret } from '../../src/oauth/secret.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { issueCode, REDIRECT_URI, seedClient, type SeededClient } from '../helpers/oauth.js';
import { exchangeForm, postForm, refreshForm, withSecret } from '../helpers/oauth-requests.js';
import { setAccount } from '../helpers/seed.js';
import { enrollTotp } from '../helpers/totp.js';

const app = await startTestApp(t);
const VERIFIER = 'a'.repeat(43);
const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');

async function setUp(overrides: Parameters<typeof issueCode>[3] = {}) {
  const user = await app.user();
  const seeded = await seedClient(app);
  const code = await issueCode(app, user.id, seeded, overrides);
  const token = (form: Record<string, string> | string, headers = {}) => postForm(app, '/oauth/token', form, headers);
  const exchange = (more: Record<string, string> = {}, by = seeded) => token(exchangeForm(by, code, more));
  const refresh = (refreshToken: string, more: Record<string, string> = {}, by = seeded) =>
    token(refreshForm(by, refreshToken, more));
  /** All that a request could have changed. */
  const state = async () => ({
    codes: await app.db.executor
      .select()
      .from(oauthCodes)
      .where(eq(oauthCodes.codeHash, hashSecret(code))),
    sessions: await app.db.executor.select().from(sessions).where(eq(sessions.userId, user.id)).orderBy(sessions.id),
    audit: (await auditOf(app.db, user.id)).map(({ id }) => id),
  });
  const me = async (accessToken: string) =>
    (await app.client().send('query { me { id } }', {}, { token: accessToken })).code ?? 'accepted';
  return { user, seeded, code, token, exchange, refresh, state, me };
}

t.test('refuses a code with anything wrong about it, and spends nothing', async (t) => {
  const { seeded, code, exchange, token, state } = await setUp({ codeChallenge: CHALLENGE });
  const other = await seedClient(app);
  const before = await state();
  const pkce = { code_verifier: VERIFIER };
  const attacks: Record<string, Promise<{ status: number; body: Record<string, unknown> }>> = {
    'another client': exchange(pkce, other),
    'no verifier': exchange(),
    'a wrong verifier': exchange({ code_verifier: 'b'.repeat(43) }),
    'the challenge as verifier': exchange({ code_verifier: CHALLENGE }),
    'a short verifier': exchange({ code_verifier: 'a'.repeat(42) }),
    'a long verifier': exchange({ code_verifier: 'a'.repeat(129) }),
    'a verifier of other characters': exchange({ code_verifier: `${'a'.repeat(43)}!` }),
    'a final slash': exchange({ ...pkce, redirect_uri: `${REDIRECT_URI}/` }),
    'a query': exchange({ ...pkce, redirect_uri: `${REDIRECT_URI}?a=b` }),
    'another case': exchange({ ...pkce, redirect_uri: REDIRECT_URI.toUpperCase() }),
    'another code': exchange({ ...pkce, code: `${code}a` }),
  };
  for (const [name, attack] of Object.entries(attacks))
    t.match(await attack, { status: 400, body: { error: 'invalid_grant' } }, name);
  const invalid = { status: 400, body: { error: 'invalid_request' } };
  t.match(await exchange({ ...pkce, redirect_uri: '' }), invalid, 'no redirect URI');
  t.match(await exchange({ ...pkce, redirect_uri: `${REDIRECT_URI}\0` }), invalid, 'a NUL');
  t.match(await exchange({ ...pkce, resource: 'https://other.example' }), { body: { error: 'invalid_target' } });
  const form = new URLSearchParams(exchangeForm(seeded, code, pkce)).toString();
  t.match(await token(`${form}&code=${code}`), invalid, 'a repeated parameter');
  t.same(await state(), before);
  t.equal((await exchange(pkce)).status, 200, 'the code still works');
});

t.test('refuses a superfluous verifier, and spends nothing', async (t) => {
  const { exchange, state } = await setUp();
  const before = await state();
  t.match(await exchange({ code_verifier: VERIFIER }), { status: 400, body: { error: 'invalid_grant' } });
  t.same(await state(), before);
});

t.test('refuses a code after a minute', async (t) => {
  const { exchange, state } = await setUp();
  app.clock.advance(60_000);
  const before = await state();
  t.match(await exchange(), { status: 400, body: { error: 'invalid_grant' } });
  t.same(await state(), before);
});

t.test('ends what a code gave when it is used a second time', async (t) => {
  const { user, exchange, refresh, me } = await setUp();
  const { body } = await exchange();
  app.clock.advance(10_000);
  t.match(await exchange(), { status: 400, body: { error: 'invalid_grant' } });
  t.equal(await me(body['access_token']), 'INVALID_TOKEN');
  t.match((await refresh(body['refresh_token'])).body, { error: 'invalid_grant' });
  t.equal((await auditOf(app.db, user.id))[0]?.type, 'grant.code_reuse_detected');
});

t.test('ends what a code gave when another client uses it within seconds', async (t) => {
  const { exchange, me } = await setUp();
  const { body } = await exchange();
  t.match((await exchange({}, await seedClient(app))).body, { error: 'invalid_grant' });
  t.equal(await me(body['access_token']), 'INVALID_TOKEN');
});

t.test('only refuses a second use by the same client within seconds', async (t) => {
  const { exchange, me } = await setUp();
  const { body } = await exchange();
  t.match((await exchange()).body, { error: 'invalid_grant' });
  t.equal(await me(body['access_token']), 'accepted');
});

t.test('refuses a code of an account or client that was disabled meanwhile', async (t) => {
  for (const change of ['disabled', 'deleted'] as const) {
    const { user, exchange, state } = await setUp();
    await setAccount(app.db, user.id, change);
    const before = await state();
    t.match(await exchange(), { status: 400, body: { error: 'invalid_grant' } }, change);
    t.same(await state(), before);
  }
  const { user, exchange, state } = await setUp();
  const disabled = await seedClient(app, { disabledAt: new Date(app.clock.now()) });
  await issueCode(app, user.id, disabled);
  const before = await state();
  t.match(await exchange({}, disabled), { status: 401, body: { error: 'invalid_client' } });
  t.same(await state(), before);
});

t.test('refuses a code of an account that added a second factor since the sign-in, and spends nothing', async (t) => {
  const { user, exchange, state } = await setUp();
  await enrollTotp(user.client, app.clock.now);
  const before = await state();
  t.match(await exchange(), { status: 400, body: { error: 'invalid_grant' } });
  t.same(await state(), before);
});

t.test('accepts a code of a sign-in with the second factor', async (t) => {
  const { user, exchange } = await setUp({ amr: ['pwd', 'otp', 'mfa'] });
  await enrollTotp(user.client, app.clock.now);
  t.match(await exchange(), { status: 200, body: { access_token: /./ } });
});

t.test('gives no refresh token to a client without that grant', async (t) => {
  const { user, token } = await setUp();
  const seeded = await seedClient(app, { grantTypes: ['AUTHORIZATION_CODE'] });
  const { status, body } = await token(exchangeForm(seeded, await issueCode(app, user.id, seeded)));
  t.equal(status, 200);
  t.notOk('refresh_token' in body);
  const refused = await token(refreshForm(seeded, 'a'));
  t.match(refused, { status: 400, body: { error: 'unauthorized_client' } });
});

t.test('refuses to widen the scope at a refresh, and spends nothing', async (t) => {
  const { exchange, refresh, state } = await setUp();
  const { body } = await exchange();
  const before = await state();
  for (const scope of ['read:content write:profile', 'admin', 'openid', '"'])
    t.match(await refresh(body['refresh_token'], { scope }), { status: 400, body: { error: 'invalid_scope' } }, scope);
  t.same(await state(), before);
  const narrow = await refresh(body['refresh_token'], { scope: 'read:content' });
  t.match(narrow, { status: 200, body: { scope: 'read:content' } });
});

t.test('refuses refresh tokens of another client and of first-party sessions, and ends nothing', async (t) => {
  const { user, exchange, refresh, state } = await setUp();
  const { body } = await exchange();
  const before = await state();
  const refused = { status: 400, body: { error: 'invalid_grant' } };
  t.match(await refresh(body['refresh_token'], {}, await seedClient(app)), refused);
  t.match(await refresh(user.refreshToken), refused);
  t.match(await refresh(body['access_token']), refused);
  const { code } = await app.client().send('mutation R($t: String) { refresh(refreshToken: $t) { scope } }', {
    t: body['refresh_token'],
  });
  t.equal(code, 'INVALID_REFRESH_TOKEN');
  t.same(await state(), before);
  await setAccount(app.db, user.id, 'disabled');
  t.match(await refresh(body['refresh_token']), refused);
});

t.test('ends a grant when a token from before its predecessor comes back', async (t) => {
  const { exchange, refresh, me } = await setUp();
  const first = (await exchange()).body['refresh_token'];
  const second = (await refresh(first)).body['refresh_token'];
  const { body } = await refresh(second);
  t.match((await refresh(first)).body, { error: 'invalid_grant' });
  t.equal(await me(body['access_token']), 'INVALID_TOKEN');
});

t.test('refuses grant types and bodies that it does not support', async (t) => {
  const { seeded, code, token, state } = await setUp();
  const before = await state();
  for (const type of ['__proto__', 'constructor', 'password', 'implicit', 'AUTHORIZATION_CODE'])
    t.match(await token({ ...exchangeForm(seeded, code), grant_type: type }), {
      status: 400,
      body: { error: 'unsupported_grant_type' },
    });
  const invalid = { status: 400, body: { error: 'invalid_request' } };
  t.match(await token(withSecret(seeded)), invalid);
  const json = { 'content-type': 'application/json' };
  t.match(await token(JSON.stringify(exchangeForm(seeded, code)), json), invalid);
  const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
  t.match(await token('--x--', multipart), invalid);
  const large = await token({ ...exchangeForm(seeded, code), state: 'x'.repeat(100_000) });
  t.match(large, { status: 413, body: { error: 'invalid_request' } });
  t.equal(large.headers['cache-control'], 'no-store');
  t.same(await state(), before);
});

t.test('counts requests of a client by client, and failed authentications by address', async (t) => {
  const limited = await startTestApp(t, { RATE_LIMIT_ANONYMOUS: '3/1m', RATE_LIMIT_AUTHENTICATED: '6/1m' });
  const seeded: SeededClient = await seedClient(limited);
  const send = (secret: string) =>
    postForm(limited, '/oauth/token', { ...withSecret({ ...seeded, secret }), grant_type: 'x' }, {}, '192.0.2.1');
  const statuses = async (secret: string, count: number) => {
    const found: number[] = [];
    for (let at = 0; at < count; at += 1) found.push((await send(secret)).status);
    return found;
  };
  t.same(await statuses('wrong', 4), [401, 401, 401, 429]);
  t.same(await statuses(seeded.secret, 7), [400, 400, 400, 400, 400, 400, 429]);
  const { headers, body } = await send(seeded.secret);
  t.match(body, { error: 'temporarily_unavailable' });
  t.ok(Number(headers['retry-after']) > 0);
});
