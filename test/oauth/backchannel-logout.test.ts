/** Back-channel logout: which clients get a logout token, what is in it, and what happens if they do not accept it. */
import type { ServerResponse } from 'node:http';
import t from 'tap';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { oauthLogoutNotices } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { auditOf } from '../helpers/audit-trail.js';
import { logoutReceiver } from '../helpers/logout-receiver.js';
import { seedClient } from '../helpers/oauth.js';
import { seedGrant } from '../helpers/oauth-grants.js';
import { LOGOUT, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';

const app = await startTestApp(t);
const { db, clock } = app;
const receiver = await logoutReceiver(t);
const { uri, received } = receiver;
t.beforeEach(async () => {
  receiver.reset();
  await db.executor.delete(oauthLogoutNotices);
});
const send = () => app.runJob('send logout tokens');
const sessionOf = ({ accessToken }: SeededUser) => String(claimsOf(accessToken)['sid']);

/** A person whose browser session has two grants of a client with an address, and one of a client without. */
async function setUp() {
  const user = await app.user();
  const { client } = await seedClient(app, { backchannelLogoutUri: uri });
  const silent = await seedClient(app);
  const browserSessionId = sessionOf(user);
  await seedGrant(app, user.id, client.id, { browserSessionId });
  await seedGrant(app, user.id, client.id, { browserSessionId });
  await seedGrant(app, user.id, silent.client.id, { browserSessionId });
  return { user, client, browserSessionId };
}

t.test('sends one logout token to each client of a browser session that logs out', async (t) => {
  const { user, client, browserSessionId } = await setUp();
  await user.client.send(LOGOUT);
  await send();
  t.equal(received.length, 1);
  const { keys } = (await app.server.inject('/.well-known/jwks.json')).json<JSONWebKeySet>();
  const { payload, protectedHeader } = await jwtVerify(received[0]!.get('logout_token')!, createLocalJWKSet({ keys }), {
    issuer: 'http://auth.test',
    audience: client.id,
    typ: 'logout+jwt',
    currentDate: new Date(clock.now()),
  });
  t.equal(protectedHeader.alg, 'RS256');
  t.match(payload, {
    sub: user.id,
    sid: browserSessionId,
    jti: String,
    exp: payload.iat! + 120,
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  });
  t.notOk('nonce' in payload);
  await send();
  t.equal(received.length, 1, 'an accepted token is not sent again');
});

t.test('sends a logout token when the sessions of an account end', async (t) => {
  const { user } = await setUp();
  const input = `{ currentPassword: "${user.password}", newPassword: "an entirely other passphrase" }`;
  await user.client.send(`mutation { changePassword(input: ${input}) { scope } }`);
  await send();
  t.equal(received.length, 0, 'the own session stays');
  const login = `mutation { login(input: { identifier: "${user.username}", password: "an entirely other passphrase" }) { accessToken } }`;
  const token = (await app.client().send(login)).data!['login'].accessToken as string;
  await app.client({ token }).send('mutation { revokeOtherSessions }');
  await send();
  t.equal(received.length, 1);
});

t.test('sends a logout token to a client that the person revokes', async (t) => {
  const { user, client, browserSessionId } = await setUp();
  await user.client.send('mutation ($id: ID!) { revokeAuthorizedApp(clientId: $id) }', { id: client.id });
  await send();
  t.equal(received.length, 1);
  t.match(claimsOf(received[0]!.get('logout_token')!), { sub: user.id, sid: browserSessionId });
});

t.test('retries with growing pauses, and gives up after a day with an audit event', async (t) => {
  const { user, client } = await setUp();
  const location = uri.replace('/logout', '/other');
  for (const [pause, respond] of [
    [0, (response: ServerResponse) => response.writeHead(503).end()],
    [10_000, (response: ServerResponse) => response.writeHead(302, { location }).end()],
    [20_000, (response: ServerResponse) => response.destroy()],
  ] as const) {
    if (pause === 0) await user.client.send(LOGOUT);
    clock.advance(Math.max(0, pause - 1));
    const before = received.length;
    if (pause > 0) {
      await send();
      t.equal(received.length, before, 'not yet');
      clock.advance(1);
    }
    receiver.answerWith(respond);
    await send();
    t.equal(received.length, before + 1, 'one request, and no redirect is followed');
  }
  clock.advance(86_400_000);
  await send();
  t.equal(await db.executor.$count(oauthLogoutNotices), 0);
  t.match((await auditOf(db, user.id))[0], {
    type: 'oauth_client.logout_undelivered',
    detail: client.id,
    actorId: null,
  });
});

t.test('sends nothing to a client that was disabled meanwhile', async (t) => {
  const { user, client } = await setUp();
  await user.client.send(LOGOUT);
  await db.executor.execute(`update oauth_clients set disabled_at = now() where id = '${client.id}'`);
  await send();
  t.equal(received.length, 0);
  t.equal(await db.executor.$count(oauthLogoutNotices), 0);
});
