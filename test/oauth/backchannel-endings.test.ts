/** What the end of a browser session means for the clients that the person signed in to: logout tokens, and codes that wait. */
import t from 'tap';
import { and, eq, isNotNull } from 'drizzle-orm';
import { oauthLogoutNotices, sessions } from '../../src/db/schema/index.js';
import { startTestApp } from '../helpers/app.js';
import { logoutReceiver } from '../helpers/logout-receiver.js';
import { seedClient } from '../helpers/oauth.js';
import { seedGrant } from '../helpers/oauth-grants.js';
import { exchangeForm, postForm, withSecret } from '../helpers/oauth-requests.js';
import { authorizeUrl, credentialsOf, oauthBrowser, responseOf, visitorOf } from '../helpers/oauth-browser.js';
import { LOGIN, REFRESH, registerAdmin, tokenIn, type SeededUser } from '../helpers/seed.js';
import { claimsOf } from '../helpers/tokens.js';

const app = await startTestApp(t, { SESSION_MAX_PER_ACCOUNT: '3', RATE_LIMIT_ANONYMOUS: '1000/1m' });
const { db, clock } = app;
const { uri, received, reset } = await logoutReceiver(t);
const admin = await registerAdmin(app);
t.beforeEach(async () => {
  reset();
  await db.executor.delete(oauthLogoutNotices);
});

/** A person who signed in at the pages and gave a client a grant. */
async function setUp() {
  const user = await app.user();
  const seeded = await seedClient(app, { backchannelLogoutUri: uri });
  const browser = await visitorOf(app, user, seeded);
  const { body } = await postForm(app, '/oauth/token', exchangeForm(seeded, responseOf(browser.shown)['code']!));
  const [row] = await db.executor
    .select()
    .from(sessions)
    .where(eq(sessions.id, String(claimsOf(body['access_token'])['sid'])));
  return { user, seeded, browser, tokens: body, browserSessionId: row!.browserSessionId! };
}
type Scene = Awaited<ReturnType<typeof setUp>>;

async function logIn({ username, password }: SeededUser) {
  // Sessions are ordered by the time of their creation.
  clock.advance(1000);
  const { data } = await app.client().send(LOGIN, { input: { identifier: username, password } });
  return data!['login'] as { accessToken: string; refreshToken: string };
}
const byAdmin = (document: string, id: string) => admin.client.send(document, { id });

/** What ends the browser session of a scene. */
const ENDS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'the maximum of sessions evicts it': async ({ user }) => {
    for (let each = 0; each < 3; each += 1) await logIn(user);
  },
  'another password is set': ({ user }) =>
    user.client.send(
      `mutation { changePassword(input: { currentPassword: "${user.password}", newPassword: "an entirely other phrase" }) { scope } }`,
    ),
  'the password is reset': async ({ user }) => {
    await app.client().send(`mutation { requestPasswordReset(email: "${user.email}") }`);
    const token = tokenIn(await app.mailTo(user.email));
    const input = `{ token: "${token}", password: "an entirely other phrase" }`;
    await app.client().send(`mutation { resetPassword(input: ${input}) { scope } }`);
  },
  'the person ends it in the list of sessions': ({ user, browserSessionId: id }) =>
    user.client.send('mutation ($id: ID!) { revokeSession(id: $id) }', { id }),
  'the person ends the others': ({ user }) => user.client.send('mutation { revokeOtherSessions }'),
  'an administrator ends the sessions': ({ user }) =>
    byAdmin('mutation ($id: ID!) { revokeUserSessions(userId: $id) }', user.id),
  'the account is disabled': ({ user }) =>
    byAdmin('mutation ($id: ID!) { updateUser(id: $id, input: { disabled: true }) { id } }', user.id),
  'the account is deleted': ({ user }) => byAdmin('mutation ($id: ID!) { deleteUser(id: $id) }', user.id),
  'the person deletes the account': ({ user }) =>
    user.client.send(
      `mutation { deleteMe(input: { confirmation: "DELETE_MY_ACCOUNT", password: "${user.password}" }) }`,
    ),
  'somebody signs in anew with the browser': async ({ browser, seeded }) => {
    const other = await app.user();
    await browser.open(authorizeUrl(seeded, { prompt: 'login' }));
    await browser.submit(credentialsOf(other));
  },
};

const noticesOf = ({ browserSessionId }: Scene) =>
  db.executor.select().from(oauthLogoutNotices).where(eq(oauthLogoutNotices.sessionId, browserSessionId));
const isEnded = async (id: string) =>
  (await db.executor.$count(sessions, and(eq(sessions.id, id), isNotNull(sessions.endedAt)))) === 1;

for (const [what, end] of Object.entries(ENDS))
  t.test(`sends a logout token if ${what}`, async (t) => {
    const scene = await setUp();
    await end(scene);
    t.ok(await isEnded(scene.browserSessionId));
    t.equal((await noticesOf(scene)).length, 1, 'stored with the end');
    await app.runJob('send logout tokens');
    const claims = received.map((form) => claimsOf(form.get('logout_token')!));
    t.match(claims, [{ sub: scene.user.id, sid: scene.browserSessionId, aud: scene.seeded.client.id }]);
  });

for (const [what, end] of Object.entries(ENDS))
  t.test(`refuses a code if ${what} before the exchange`, async (t) => {
    const scene = await setUp();
    const { browser, seeded, user } = scene;
    const code = responseOf(await browser.open(authorizeUrl(seeded)))['code']!;
    await end(scene);
    const grants = () =>
      db.executor.$count(sessions, and(eq(sessions.userId, user.id), eq(sessions.clientId, seeded.client.id)));
    const before = await grants();
    t.match(await postForm(app, '/oauth/token', exchangeForm(seeded, code)), {
      status: 400,
      body: { error: 'invalid_grant' },
    });
    t.equal(await grants(), before);
  });

t.test('sends a logout token if a used refresh token of the session comes back', async (t) => {
  const user = await app.user();
  const { accessToken, refreshToken } = await logIn(user);
  const seeded = await seedClient(app, { backchannelLogoutUri: uri });
  const browserSessionId = String(claimsOf(accessToken)['sid']);
  await seedGrant(app, user.id, seeded.client.id, { browserSessionId });
  const refresh = (token: string) => app.client().send(REFRESH, { refreshToken: token });
  const second = (await refresh(refreshToken)).data!['refresh'].refreshToken as string;
  await refresh(second);
  t.equal((await refresh(refreshToken)).code, 'INVALID_REFRESH_TOKEN');
  t.ok(await isEnded(browserSessionId));
  await app.runJob('send logout tokens');
  t.match(
    received.map((form) => claimsOf(form.get('logout_token')!)),
    [{ sub: user.id, sid: browserSessionId }],
  );
});

t.test('stores no notice if the end of the session rolls back', async (t) => {
  const scene = await setUp();
  await db.executor.execute(`create function refuse_end() returns trigger language plpgsql as
    'begin raise exception ''refused''; end'`);
  await db.executor.execute(`create trigger refuse_end before insert on audit_events for each row
    when (new.type = 'session.revoked') execute function refuse_end()`);
  const end = ENDS['the person ends it in the list of sessions']!;
  t.match(await end(scene), { code: 'INTERNAL_ERROR' });
  t.same([await isEnded(scene.browserSessionId), await noticesOf(scene)], [false, []]);
  await db.executor.execute('drop trigger refuse_end on audit_events');
  await end(scene);
  t.same([await isEnded(scene.browserSessionId), (await noticesOf(scene)).length], [true, 1]);
});

t.test('sends nothing if the client revokes its own token, or the browser session expires', async (t) => {
  const scene = await setUp();
  const { seeded, tokens } = scene;
  await postForm(app, '/oauth/revoke', { token: tokens['refresh_token'], ...withSecret(seeded) });
  t.same(await noticesOf(scene), []);
  const next = await setUp();
  clock.advance(25 * 3_600_000);
  const stranger = oauthBrowser(app.server);
  for (const [name, value] of next.browser.jar) stranger.jar.set(name, value);
  t.equal((await stranger.open(authorizeUrl(next.seeded))).path, '/oauth/login', 'the browser session has expired');
  const refreshed = { grant_type: 'refresh_token', refresh_token: next.tokens['refresh_token'] };
  const { status } = await postForm(app, '/oauth/token', { ...refreshed, ...withSecret(next.seeded) });
  t.equal(status, 200, 'the grant outlives it');
  await app.runJob('clean up sessions');
  t.same(await noticesOf(next), []);
});
