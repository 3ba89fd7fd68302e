/** Sockets close on every instance when their session ends. */
import t from 'tap';
import { startLiveApp } from '../../helpers/live.js';
import {
  LOGIN,
  LOGOUT,
  PASSWORD,
  REFRESH,
  registerAdmin,
  setAccount,
  tokenIn,
  type SeededUser,
} from '../../helpers/seed.js';
import { claimsOf, tokenSigner } from '../../helpers/tokens.js';
import { openSocket, subscribeMessage, type TestSocket } from '../../helpers/websocket.js';

const app = await startLiveApp(t, { REFRESH_GRACE: '0s' });
/** Another instance of the deployment, on which the changes happen. */
const elsewhere = await startLiveApp(t, { REFRESH_GRACE: '0s' }, app.db, app.clock);
const admin = await registerAdmin(app);

const ENDED = { code: 4401, reason: 'No or invalid credentials, or the session has ended.' };
const EXPIRED = { code: 4403, reason: 'The access token has expired.' };
const ME_UPDATED = 'subscription { meUpdated { username } }';
/** Far less than it takes until sockets are looked at without an event. */
const timeout = 20_000;

async function stays(socket: TestSocket): Promise<boolean> {
  socket.send({ type: 'ping' });
  return (await socket.next())['type'] === 'pong';
}

/** Sends to the other instance. */
async function there(query: string, variables: object = {}, token?: string) {
  const { data, errors } = await elsewhere.client({ token }).send(query, variables);
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return data!;
}

async function loginAgain({ username, password }: SeededUser): Promise<string> {
  return (await there(LOGIN, { input: { identifier: username, password } }))['login'].accessToken as string;
}

type End = (user: SeededUser) => Promise<unknown>;
const sidOf = (token: string) => String(claimsOf(token)['sid']);
const asAdmin = (query: string, variables: object) => there(query, variables, admin.accessToken);
const causes: Record<string, End> = {
  'a logout': ({ accessToken }) => there(LOGOUT, {}, accessToken),
  'its revocation from another session': async (user) =>
    there('mutation ($id: ID!) { revokeSession(id: $id) }', { id: sidOf(user.accessToken) }, await loginAgain(user)),
  'the revocation of all others': async (user) => there('mutation { revokeOtherSessions }', {}, await loginAgain(user)),
  'a password change in another session': async (user) =>
    there(
      `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "another brass telescope" }) { scope } }`,
      {},
      await loginAgain(user),
    ),
  'a password reset': async (user) => {
    await app
      .client()
      .send('mutation ($email: String!) { requestPasswordReset(email: $email) }', { email: user.email });
    const token = tokenIn(await app.mailTo(user.email));
    await there(
      'mutation ($token: String!) { resetPassword(input: { token: $token, password: "another brass telescope" }) { scope } }',
      { token },
    );
  },
  'its deletion': ({ accessToken }) =>
    there(
      `mutation { deleteMe(input: { confirmation: "DELETE_MY_ACCOUNT", password: "${PASSWORD}" }) }`,
      {},
      accessToken,
    ),
  'being disabled': ({ id }) =>
    asAdmin('mutation ($id: ID!) { updateUser(id: $id, input: { disabled: true }) { id } }', { id }),
  'being deleted by an administrator': ({ id }) => asAdmin('mutation ($id: ID!) { deleteUser(id: $id) }', { id }),
  'the revocation of its sessions by an administrator': ({ id }) =>
    asAdmin('mutation ($id: ID!) { revokeUserSessions(userId: $id) }', { id }),
  'the reuse of a refresh token': async ({ refreshToken }) => {
    const next = (await there(REFRESH, { refreshToken }))['refresh'].refreshToken as string;
    await there(REFRESH, { refreshToken: next });
    await elsewhere.client().send(REFRESH, { refreshToken });
  },
};

for (const [cause, end] of Object.entries(causes)) {
  t.test(`${cause} closes the sockets of the session with 4401, and those of others stay`, { timeout }, async (t) => {
    const [user, other] = [await app.user(), await app.user()];
    const idle = await app.session(user.accessToken);
    const following = await app.follow(user.accessToken, ME_UPDATED);
    const others = await app.session(other.accessToken);
    const ownOther = cause.includes('other') ? undefined : await app.session(user.accessToken);
    await end(user);
    t.same(await idle.closed, ENDED);
    t.same(await following.closed, ENDED);
    if (ownOther) t.same(await ownOther.closed, ENDED);
    t.same([idle.unread, following.unread], [[], []], 'nothing was delivered');
    const logged = () => app.logs.find(({ msg, userId }) => msg === 'A WebSocket closed' && userId === user.id);
    while (!logged()) await new Promise(setImmediate);
    t.equal(logged()!['code'], 4401, 'the log has the code and the account');
    t.ok(await stays(others));
  });
}

t.test(
  'closes sockets with 4403 after a password change of the same session, and not after a refresh',
  { timeout },
  async (t) => {
    const user = await app.user();
    const other = await app.session(await loginAgain(user));
    const own = await app.session(user.accessToken);
    await there(REFRESH, { refreshToken: user.refreshToken });
    t.ok(await stays(own));
    const query = `mutation { changePassword(input: { currentPassword: "${PASSWORD}", newPassword: "another brass telescope" }) { accessToken } }`;
    const renewed = (await there(query, {}, user.accessToken))['changePassword'];
    t.same(await other.closed, ENDED);
    t.same(await own.closed, EXPIRED, 'its client renews the token and connects again');
    t.ok(await stays(await app.session(renewed.accessToken as string)));
  },
);

t.test('closes the sockets that need a lost scope and keeps others', { timeout }, async (t) => {
  const user = await registerAdmin(app);
  const needing = await app.follow(user.accessToken, 'subscription { auditEvents { type userId } }');
  const not = await app.follow(user.accessToken, ME_UPDATED);
  const idle = await app.session(user.accessToken);
  await asAdmin('mutation ($id: ID!) { updateUser(id: $id, input: { role: USER }) { id } }', { id: user.id });
  t.same(await needing.closed, ENDED);
  t.notOk(needing.unread.some(({ payload }) => payload.data?.auditEvents.type === 'account.role_changed'));
  t.same((await not.next())['payload'], { data: { meUpdated: { username: user.username } } });
  t.ok(await stays(idle));
  idle.send(subscribeMessage('subscription { auditEvents { id } }'));
  t.match(await idle.next(), { type: 'error', payload: [{ extensions: { code: 'INSUFFICIENT_PERMISSIONS' } }] });
});

t.test('rejects a subscription whose scope the token lacks', { timeout }, async (t) => {
  const sign = await tokenSigner(app);
  const token = sign({ userId: admin.id, sessionId: sidOf(admin.accessToken), scopes: ['read:content', 'admin'] });
  const socket = await app.session(token);
  for (const query of [ME_UPDATED, 'subscription { securityEvents { id } }']) {
    socket.send(subscribeMessage(query));
    t.match(await socket.next(), {
      type: 'error',
      payload: [{ extensions: { code: 'INSUFFICIENT_PERMISSIONS', requiredScopes: [['read:profile']] } }],
    });
  }
});

t.test('refuses sockets without a token and with forged, ended or expired ones', { timeout }, async (t) => {
  const user = await app.user();
  const refused = async (authorization: string) => {
    const socket = await openSocket(app.port);
    socket.send({ type: 'connection_init', payload: { authorization } });
    return socket.closed;
  };
  t.same(await refused(user.accessToken), ENDED, 'not a bearer');
  t.same(await refused(`Bearer ${user.accessToken}x`), ENDED);
  t.same(await refused(`Bearer ${user.refreshToken}`), ENDED);
  await setAccount(app.db, user.id, 'disabled');
  t.same(await refused(`Bearer ${user.accessToken}`), ENDED);
  await setAccount(app.db, user.id, 'enabled');
  app.clock.advance(901_000);
  t.same(await refused(`Bearer ${user.accessToken}`), EXPIRED);
});

t.test('closes a socket with 4403 when its token expires, idle or not', { timeout }, async (t) => {
  const user = await app.user();
  const idle = await app.session(user.accessToken);
  app.clock.advance(600_000);
  const fresh = await app.session(await loginAgain(user));
  app.clock.advance(301_000);
  t.same(await idle.closed, EXPIRED);
  t.ok(await stays(fresh));
});

t.test('delivers no event after the token has expired', { timeout }, async (t) => {
  const user = await app.user();
  const following = await app.follow(user.accessToken, ME_UPDATED);
  app.clock.advance(901_000);
  const token = await loginAgain(user);
  await there('mutation { updateMe(input: { displayName: "Ada" }) { id } }', {}, token);
  t.same(await following.closed, EXPIRED);
  t.same(following.unread, []);
});

t.test('does not count closed sockets and subscriptions', { timeout }, async (t) => {
  for (const socket of app.server.websocketServer.clients) socket.terminate();
  await app.quiet();
  while ((await app.count('sockets_open')) > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(await app.count('sockets_open'), 0);
});
