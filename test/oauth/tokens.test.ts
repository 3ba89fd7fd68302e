/** Revocation, introspection and userinfo. */
import t from 'tap';
import { auditOf } from '../helpers/audit-trail.js';
import { startLiveApp } from '../helpers/live.js';
import { issueCode, seedClient, type SeededClient } from '../helpers/oauth.js';
import { claimsOf, exchangeForm, postForm, refreshForm, withSecret } from '../helpers/oauth-requests.js';
import { setAccount, type SeededUser } from '../helpers/seed.js';

const app = await startLiveApp(t);
const SCOPES = ['openid', 'profile', 'email', 'read:content', 'read:profile'];

async function grant(overrides: Parameters<typeof seedClient>[1] = {}, scopes = SCOPES) {
  const user = await app.user();
  const seeded = await seedClient(app, overrides);
  const code = await issueCode(app, user.id, seeded, { scopes });
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, code));
  return { user, seeded, access: body['access_token'] as string, refresh: body['refresh_token'] as string };
}

const me = async (token: string) => (await app.client().send('query { me { id } }', {}, { token })).code ?? 'accepted';
const revoke = (by: SeededClient, token: string) =>
  postForm(app, '/oauth/revoke', { token, token_type_hint: 'access_token', ...withSecret(by) });
const introspect = async (by: SeededClient, token: string) =>
  (await postForm(app, '/oauth/introspect', { token, ...withSecret(by) })).body;
const refreshed = async (seeded: SeededClient, token: string) =>
  (await postForm(app, '/oauth/token', refreshForm(seeded, token))).body['error'] ?? 'accepted';
const trail = async (user: SeededUser) =>
  (await auditOf(app.db, user.id)).map(({ type }) => type).filter((type) => type.startsWith('grant.'));

t.test('ends the whole grant when the client revokes its access token or its refresh token', async (t) => {
  for (const which of ['access', 'refresh'] as const) {
    const { seeded, ...tokens } = await grant();
    const answer = await revoke(seeded, tokens[which]);
    t.match(answer, { status: 200, body: {} });
    t.equal(await me(tokens.access), 'INVALID_TOKEN', which);
    t.equal(await refreshed(seeded, tokens.refresh), 'invalid_grant', which);
  }
});

t.test('closes the WebSockets of a revoked grant with 4401', async (t) => {
  const { seeded, access, refresh } = await grant();
  const socket = await app.session(access);
  await revoke(seeded, refresh);
  t.equal((await socket.closed).code, 4401);
});

t.test('answers the revocation of an unknown token with success', async (t) => {
  const { seeded } = await grant();
  for (const token of ['nonsense', 'a.b.c', 'x'.repeat(3000)])
    t.match(await revoke(seeded, token), { status: 200, body: {} });
  const { status, body } = await postForm(app, '/oauth/revoke', withSecret(seeded));
  t.match({ status, body }, { status: 400, body: { error: 'invalid_request' } });
});

t.test('leaves the grant of another client and first-party sessions alone', async (t) => {
  const { user, seeded, access, refresh } = await grant();
  const other = await seedClient(app, { mayIntrospect: true });
  const stranger = await seedClient(app);
  for (const token of [access, refresh, user.accessToken, user.refreshToken])
    t.equal((await revoke(stranger, token)).status, 200);
  for (const token of [user.accessToken, user.refreshToken]) t.equal((await revoke(other, token)).status, 200);
  t.equal(await me(access), 'accepted');
  t.equal(await me(user.accessToken), 'accepted');
  t.equal(await refreshed(seeded, refresh), 'accepted');
});

t.test('introspects an access token of the client with its claims', async (t) => {
  const { user, seeded, access } = await grant();
  const claims = claimsOf(access);
  t.same(await introspect(seeded, access), {
    active: true,
    scope: SCOPES.join(' '),
    client_id: seeded.client.id,
    username: user.username,
    token_type: 'Bearer',
    exp: claims['exp'],
    iat: claims['iat'],
    sub: user.id,
    aud: 'http://auth.test',
    iss: 'http://auth.test',
    jti: claims['jti'],
    sid: claims['sid'],
  });
});

t.test('introspects refresh tokens as a refresh would decide', async (t) => {
  const { seeded, refresh } = await grant();
  t.match(await introspect(seeded, refresh), {
    active: true,
    client_id: seeded.client.id,
    token_type: 'refresh_token',
  });
  t.equal(await refreshed(seeded, refresh), 'accepted');
  t.match(await introspect(seeded, refresh), { active: true }, 'a retry would be accepted');
  app.clock.advance(60_000);
  t.same(await introspect(seeded, refresh), { active: false });
});

t.test('shows tokens to their client and to one that may introspect, and to no other', async (t) => {
  const { user, access, refresh } = await grant();
  const other = await seedClient(app);
  const resourceServer = await seedClient(app, { mayIntrospect: true });
  for (const token of [access, refresh, user.accessToken]) {
    t.same(await introspect(other, token), { active: false });
    t.match(await introspect(resourceServer, token), { active: true, sub: user.id });
  }
  const publicClient = await seedClient(app, { type: 'PUBLIC', authMethod: 'NONE', mayIntrospect: true });
  const answer = await postForm(app, '/oauth/introspect', { token: access, client_id: publicClient.client.id });
  t.match(answer, { status: 401, body: { error: 'invalid_client' } });
});

t.test('introspects a token as inactive once a request with it is refused', async (t) => {
  const ended = async (end: (granted: Awaited<ReturnType<typeof grant>>) => Promise<unknown>) => {
    const granted = await grant();
    t.match(await introspect(granted.seeded, granted.access), { active: true });
    await end(granted);
    t.same(await introspect(granted.seeded, granted.access), { active: false });
    t.not(await me(granted.access), 'accepted');
  };
  await ended(({ user }) => setAccount(app.db, user.id, 'disabled'));
  await ended(({ user }) => setAccount(app.db, user.id, 'deleted'));
  await ended(({ user }) => user.client.send('mutation { revokeOtherSessions }'));
  await ended(async () => app.clock.advance(3_600_000));
});

const userinfo = async (headers: Record<string, string>, method: 'GET' | 'POST' = 'GET', payload = '') => {
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await app.server.inject({
    method,
    url: '/oauth/userinfo',
    headers: method === 'POST' ? { ...type, ...headers } : headers,
    ...(method === 'POST' ? { payload } : {}),
  });
  return { status: response.statusCode, challenge: response.headers['www-authenticate'], body: response.json() };
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

t.test('answers userinfo with the claims of the granted scopes, by header and by form', async (t) => {
  const { user, access } = await grant();
  const expected = { sub: user.id, preferred_username: user.username, email: user.email, email_verified: false };
  t.match(await userinfo(bearer(access)), { status: 200, body: expected });
  t.match(await userinfo(bearer(access), 'POST'), { status: 200, body: expected });
  t.match(await userinfo({}, 'POST', `access_token=${access}`), { status: 200, body: expected });
  const narrow = await grant({}, ['openid']);
  t.same((await userinfo(bearer(narrow.access))).body, { sub: narrow.user.id });
});

t.test('refuses userinfo as RFC 6750 says', async (t) => {
  const { user, access } = await grant();
  t.match(await userinfo({}), { status: 401, challenge: 'Bearer realm="userinfo"', body: {} });
  t.match(await userinfo(bearer('nonsense')), { status: 401, challenge: /error="invalid_token"/ });
  t.match(await userinfo(bearer(access), 'POST', `access_token=${access}`), {
    status: 400,
    challenge: /invalid_request/,
  });
  const plain = await grant({}, ['read:profile']);
  const refused = { status: 403, challenge: /error="insufficient_scope".*scope="openid"/ };
  t.match(await userinfo(bearer(plain.access)), refused);
  t.match(await userinfo(bearer(user.accessToken)), refused);
  await setAccount(app.db, user.id, 'disabled');
  t.match(await userinfo(bearer(access)), { status: 401, challenge: /error="invalid_token"/ });
});

t.test('audits grants and their revocation, once', async (t) => {
  const { user, seeded, access, refresh } = await grant();
  await revoke(seeded, access);
  await revoke(seeded, refresh);
  t.same(await trail(user), ['grant.revoked', 'grant.created']);
});
